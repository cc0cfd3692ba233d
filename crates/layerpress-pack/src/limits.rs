//! [`Limits`]: how much an archive may hold before it is refused.

/// How much an archive may hold.
///
/// The limits are checked against what the archive declares before anything is inflated, and no
/// reader ever yields more than was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most entries, folders included. Default 250,000.
    pub entries: u32,
    /// The most bytes that all files together may have when inflated. Default 262,144,000, what a
    /// layer may have (AWS Lambda quotas, "Deployment package size, unzipped").
    pub total_bytes: u64,
    /// The most inflated bytes for each byte of the archive. Default 200; archives of code and
    /// shared libraries have 3 to 10. Nothing that inflates to less than 16 MiB is measured: it can
    /// do no harm, and one honest file of zeros inflates a thousandfold.
    pub ratio: u32,
}

/// Archives that inflate to less than this are not measured by their ratio.
const RATIO_FLOOR_BYTES: u64 = 16 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 250_000,
            total_bytes: 262_144_000,
            ratio: 200,
        }
    }
}

impl Limits {
    /// The ratio of `inflated` to `archive` bytes, if it is over the limit.
    pub(crate) fn ratio_over(&self, inflated: u64, archive: u64) -> Option<u64> {
        let ratio = inflated / archive.max(1);
        (inflated > RATIO_FLOOR_BYTES && ratio > u64::from(self.ratio)).then_some(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_results_are_measured_by_their_ratio() {
        let limits = Limits::default();
        assert_eq!(limits.ratio_over(16 << 20, 1), None);
        assert_eq!(limits.ratio_over((16 << 20) + 1, 1 << 20), None);
        assert_eq!(limits.ratio_over(300 << 20, 1 << 20), Some(300));
    }
}
