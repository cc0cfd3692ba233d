//! `--exclude-newer`: a date, a time or an age becomes a moment.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

/// The moment from which on uploads do not count: for a date the end of that day in UTC, for a
/// time that time, for an age that long before `now`.
///
/// # Errors
///
/// A sentence that says what would be right.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<Date>() {
        return midnight_after(date).ok_or_else(|| "is out of range".to_owned());
    }
    let Ok(age) = text.parse::<Span>() else {
        return Err("is neither a date, nor a time, nor an age".to_owned());
    };
    if age.is_negative() {
        return Err("lies in the future".to_owned());
    }
    Zoned::new(now, TimeZone::UTC)
        .checked_sub(age)
        .map(|moment| moment.timestamp())
        .map_err(|_| "is out of range".to_owned())
}

fn midnight_after(date: Date) -> Option<Timestamp> {
    let next = date.checked_add(1.day()).ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Result<String, String> {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a valid time");
        parse(text, now).map(|time| time.to_string())
    }

    #[test]
    fn dates_times_and_ages_become_moments() {
        assert_eq!(moment("2026-11-01").as_deref(), Ok("2026-11-02T00:00:00Z"));
        assert_eq!(
            moment("2026-11-01T10:00:00+02:00").as_deref(),
            Ok("2026-11-01T08:00:00Z")
        );
        assert_eq!(moment("7 days").as_deref(), Ok("2026-11-14T12:00:00Z"));
        assert_eq!(moment("1 month").as_deref(), Ok("2026-10-21T12:00:00Z"));
        assert_eq!(moment("P1W").as_deref(), Ok("2026-11-14T12:00:00Z"));
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(moment("yesterday").is_err());
        assert!(moment("2026-13-01").is_err());
        assert!(moment("-7 days").is_err());
        assert!(moment("99999 years").is_err());
        assert!(moment("").is_err());
    }
}
