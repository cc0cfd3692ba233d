//! [`culprit`]: which of many changes it was.

/// The place of the change that makes the difference between good and bad, by halving: with none of
/// `count` changes all is well, with all of them it is not, and `fails` tells of the first so many.
///
/// # Errors
/// Those of `fails`.
pub(crate) fn culprit<E>(
    count: usize,
    mut fails: impl FnMut(usize) -> Result<bool, E>,
) -> Result<usize, E> {
    let (mut good, mut bad) = (0, count);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fails(middle)? {
            bad = middle;
        } else {
            good = middle;
        }
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn the_change_that_breaks_is_found_in_few_runs() {
        for count in 1..40 {
            for broken in 0..count {
                let mut runs = 0;
                let Ok(found) = culprit(count, |first| {
                    runs += 1;
                    Ok::<_, Infallible>(first > broken)
                });
                assert_eq!(found, broken);
                assert!(runs <= 6, "{runs} runs for {count}");
            }
        }
    }
}
