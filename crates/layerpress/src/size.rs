//! Sizes for reading: bytes in decimal units, and numbers in groups of three.

use std::fmt;

/// A size for people: `812 bytes`, `34.0 kB`, `97.2 MB`; units are powers of 1,000, as the file
/// managers and AWS's consoles count them.
pub(crate) fn readable(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return if bytes == 1 {
            "1 byte".to_owned()
        } else {
            format!("{bytes} bytes")
        };
    }
    // Tenths of a unit, rounded half up; whole numbers keep the text the same on every machine.
    let mut divisor = 1_000_u64;
    let mut unit = 0;
    while unit + 1 < UNITS.len() && tenths(bytes, divisor) >= 10_000 {
        divisor *= 1_000;
        unit += 1;
    }
    let tenths = tenths(bytes, divisor);
    format!(
        "{}.{} {}",
        grouped(tenths / 10),
        tenths % 10,
        UNITS.get(unit).copied().unwrap_or("TB")
    )
}

/// A whole number in groups of three: `262,144,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The exact size, for where every byte counts: `1,234,567 bytes`.
pub(crate) fn exact(bytes: u64) -> String {
    if bytes == 1 {
        "1 byte".to_owned()
    } else {
        format!("{} bytes", grouped(bytes))
    }
}

/// A size both ways: `1.2 MB (1,234,567 bytes)`, once where both are the same.
pub(crate) fn twice(bytes: u64) -> String {
    let (readable, exact) = (readable(bytes), exact(bytes));
    if readable == exact {
        return exact;
    }
    format!("{readable} ({exact})")
}

/// A part of a whole in per cent with one decimal: `13.0 %`.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let permille = u128::from(part) * 2_000 / u128::from(whole.max(1));
    let permille = permille.div_ceil(2);
    format!("{}.{} %", permille / 10, permille % 10)
}

/// Parses a size as people write one: `500MB`, `2 GB`, `1000000`, `64KiB`.
///
/// # Errors
///
/// The rest of a sentence that begins with the text.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text
        .find(|character: char| !character.is_ascii_digit() && character != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err("is no size, which looks like `500MB`, `2GB` or `1000000`".to_owned()),
    };
    number
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "is no size, which looks like `500MB`, `2GB` or `1000000`".to_owned())
}

/// How much something may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// By so many bytes.
    Bytes(u64),
    /// By so many thousandths of what it was.
    Permille(u32),
}

impl Growth {
    /// Whether `after` is more than is allowed after `before`.
    pub(crate) fn is_exceeded(self, before: u64, after: u64) -> bool {
        match self {
            Self::Bytes(bytes) => after > before.saturating_add(bytes),
            Self::Permille(permille) => {
                u128::from(after) * 1_000 > u128::from(before) * (1_000 + u128::from(permille))
            }
        }
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&readable(*bytes)),
            Self::Permille(permille) => write!(f, "{}.{} %", permille / 10, permille % 10),
        }
    }
}

/// Parses what something may grow by: `5%`, `0.5 %`, `2MB`.
///
/// # Errors
///
/// The rest of a sentence that begins with the text.
pub(crate) fn parse_growth(text: &str) -> Result<Growth, String> {
    let no_share = || "is no share, which looks like `5%` or `0.5%`".to_owned();
    let Some(number) = text.trim().strip_suffix('%') else {
        let no_growth = |_| "is neither a share, as `5%`, nor a size, as `2MB`".to_owned();
        return parse(text).map(Growth::Bytes).map_err(no_growth);
    };
    let (whole, tenth) = number
        .trim()
        .split_once('.')
        .unwrap_or((number.trim(), "0"));
    let is_digit = tenth.len() == 1 && tenth.bytes().all(|it| it.is_ascii_digit());
    let whole = whole.parse::<u32>().ok().filter(|_| is_digit);
    let permille = whole.and_then(|whole| whole.checked_mul(10)?.checked_add(tenth.parse().ok()?));
    permille.map(Growth::Permille).ok_or_else(no_share)
}

/// `bytes` in tenths of `divisor`, rounded half up.
fn tenths(bytes: u64, divisor: u64) -> u64 {
    let tenths = (u128::from(bytes) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
    u64::try_from(tenths).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_in_decimal_units() {
        let shown = [
            0,
            1,
            812,
            999,
            1_000,
            33_999,
            999_949,
            999_950,
            97_200_000,
            262_144_000,
            u64::MAX,
        ]
        .map(readable);
        assert_eq!(
            shown,
            [
                "0 bytes",
                "1 byte",
                "812 bytes",
                "999 bytes",
                "1.0 kB",
                "34.0 kB",
                "999.9 kB",
                "1.0 MB",
                "97.2 MB",
                "262.1 MB",
                "18,446,744.1 TB",
            ]
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 12, 123, 1_234, 262_144_000].map(grouped),
            ["0", "12", "123", "1,234", "262,144,000"]
        );
        assert_eq!(exact(1_234_567), "1,234,567 bytes");
        assert_eq!(twice(1_234_567), "1.2 MB (1,234,567 bytes)");
        assert_eq!(twice(999), "999 bytes");
    }

    #[test]
    fn shares_are_rounded_and_survive_a_whole_of_nothing() {
        assert_eq!(share(34_000_000, 262_144_000), "13.0 %");
        assert_eq!(share(1, 2), "50.0 %");
        assert_eq!(share(262_144_000, 262_144_000), "100.0 %");
        assert_eq!(share(0, 0), "0.0 %");
    }

    #[test]
    fn growth_is_a_share_or_a_size() {
        assert_eq!(parse_growth("5%"), Ok(Growth::Permille(50)));
        assert_eq!(parse_growth("0.5 %"), Ok(Growth::Permille(5)));
        assert_eq!(parse_growth("2MB"), Ok(Growth::Bytes(2_000_000)));
        for wrong in ["%", "-5%", "5.55%", "1.%", "99999999999%", "five"] {
            assert!(parse_growth(wrong).is_err(), "{wrong}");
        }
        assert!(!Growth::Permille(50).is_exceeded(1_000, 1_050));
        assert!(Growth::Permille(50).is_exceeded(1_000, 1_051));
        assert!(!Growth::Bytes(0).is_exceeded(10, 10));
        assert!(Growth::Bytes(0).is_exceeded(10, 11));
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(parse("500MB"), Ok(500_000_000));
        assert_eq!(parse("2 GiB"), Ok(2_147_483_648));
        assert_eq!(parse("1_000"), Ok(1_000));
        assert!(parse("MB").is_err());
        assert!(parse("12 parsecs").is_err());
        assert!(parse("99999999999999999 GB").is_err());
    }
}
