//! Lambda's limit on a layer's unzipped size, checked before a zip is called done.

use std::fmt;

use layerpress_target::limits::UNZIPPED_BYTES;

/// What one package, or the team's own code, weighs in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// The package, for display: `numpy 2.3.4`.
    pub name: String,
    /// The sum of its files' sizes as unzipped, in bytes.
    pub unzipped_bytes: u64,
}

/// A layer that Lambda would refuse: larger unzipped than function and layers may be together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverLimit {
    /// The layer's size, in bytes.
    pub unzipped_bytes: u64,
    /// The limit, in bytes.
    pub limit: u64,
    /// The ten heaviest packages, heaviest first.
    pub heaviest: Vec<Weight>,
    /// The fewest of the heaviest packages that, left out, would bring the layer under the limit;
    /// empty where no ten would.
    pub enough_to_drop: Vec<String>,
}

/// How many packages an [`OverLimit`] names.
const NAMED: usize = 10;

/// Checks the packages of one layer against Lambda's 262,144,000 bytes.
///
/// # Errors
/// [`OverLimit`] when the layer is larger.
pub fn unzipped_limit(mut weights: Vec<Weight>) -> Result<(), OverLimit> {
    let unzipped_bytes = weights.iter().map(|weight| weight.unzipped_bytes).sum();
    if unzipped_bytes <= UNZIPPED_BYTES {
        return Ok(());
    }
    weights.sort_by(|a, b| {
        b.unzipped_bytes
            .cmp(&a.unzipped_bytes)
            .then(a.name.cmp(&b.name))
    });
    weights.truncate(NAMED);
    let enough_to_drop = enough_to_drop(&weights, unzipped_bytes - UNZIPPED_BYTES);
    Err(OverLimit {
        unzipped_bytes,
        limit: UNZIPPED_BYTES,
        heaviest: weights,
        enough_to_drop,
    })
}

fn enough_to_drop(heaviest: &[Weight], excess: u64) -> Vec<String> {
    // One package that is just large enough beats a larger one: it is the smaller loss.
    if let Some(one) = heaviest
        .iter()
        .rev()
        .find(|weight| weight.unzipped_bytes >= excess)
    {
        return vec![one.name.clone()];
    }
    let mut saved = 0;
    for (taken, weight) in heaviest.iter().enumerate() {
        saved += weight.unzipped_bytes;
        if saved >= excess {
            return heaviest[..=taken]
                .iter()
                .map(|weight| weight.name.clone())
                .collect();
        }
    }
    Vec::new()
}

impl OverLimit {
    /// What would bring the layer under the limit.
    #[must_use]
    pub fn hint(&self) -> String {
        let split = "put some packages into a second layer only if the function stays under the \
                     limit, which counts all layers together";
        match self.enough_to_drop.as_slice() {
            [] => format!("no ten packages account for the excess; {split}"),
            [one] => format!("without {one} it would fit (`--exclude`); {split}"),
            several => {
                format!(
                    "without {} it would fit (`--exclude`); {split}",
                    several.join(", ")
                )
            }
        }
    }
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the layer is {} bytes unzipped, {} over Lambda's limit of {}; heaviest:",
            grouped(self.unzipped_bytes),
            grouped(self.unzipped_bytes - self.limit),
            grouped(self.limit)
        )?;
        let width = self
            .heaviest
            .iter()
            .map(|weight| grouped(weight.unzipped_bytes).len())
            .max();
        for weight in &self.heaviest {
            let bytes = grouped(weight.unzipped_bytes);
            write!(
                f,
                "\n  {bytes:>width$}  {}",
                weight.name,
                width = width.unwrap_or(0)
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for OverLimit {}

/// A number of bytes as sentences have it: `262,144,000`.
#[must_use]
pub fn grouped(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(name: &str, unzipped_bytes: u64) -> Weight {
        Weight {
            name: name.into(),
            unzipped_bytes,
        }
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert!(unzipped_limit(vec![weight("a", UNZIPPED_BYTES)]).is_ok());
        assert!(unzipped_limit(vec![weight("a", UNZIPPED_BYTES), weight("b", 1)]).is_err());
    }

    #[test]
    fn the_account_names_the_heaviest_first_and_the_smallest_way_out() {
        let weights = vec![
            weight("small 1", 1_000),
            weight("torch 2", 200_000_000),
            weight("numpy 2", 30_000_000),
            weight("scipy 1", 40_000_000),
        ];
        let over = unzipped_limit(weights).expect_err("too large");
        assert_eq!(over.enough_to_drop, ["numpy 2"]);
        assert_eq!(
            over.to_string(),
            "the layer is 270,001,000 bytes unzipped, 7,857,000 over Lambda's limit of 262,144,000; heaviest:\
             \n  200,000,000  torch 2\
             \n   40,000,000  scipy 1\
             \n   30,000,000  numpy 2\
             \n        1,000  small 1"
        );
    }

    #[test]
    fn several_are_named_when_no_single_one_is_enough() {
        let weights = (0..30)
            .map(|n| weight(&format!("p{n:02}"), 20_000_000))
            .collect();
        let over = unzipped_limit(weights).expect_err("too large");
        assert_eq!(over.heaviest.len(), 10);
        assert!(over.enough_to_drop.is_empty());
        let weights = (0..15)
            .map(|n| weight(&format!("p{n:02}"), 20_000_000))
            .collect();
        let over = unzipped_limit(weights).expect_err("too large");
        assert_eq!(over.enough_to_drop, ["p00", "p01"]);
    }
}
