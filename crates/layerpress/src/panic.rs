//! What a person sees of a bug: one sentence, and exit code 70.

use std::any::Any;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::process;

use crate::exit;
use crate::printer::visible;

/// Makes every panic end the program with one sentence; `clean_up` runs first, so that nothing
/// half-written stays behind.
pub(crate) fn install(clean_up: impl Fn() + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        clean_up();
        let place = info.location().map(ToString::to_string);
        let sentence = sentence(info.payload(), place.as_deref());
        // With stderr closed there is nobody left to tell.
        let _unheard = writeln!(std::io::stderr().lock(), "{sentence}");
        process::exit(i32::from(exit::BUG));
    }));
}

fn sentence(payload: &dyn Any, place: Option<&str>) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!(
        "error: this is a bug in layerpress {}, please report it with the command that you ran: {} ({})",
        env!("CARGO_PKG_VERSION"),
        visible(message).replace('\n', " "),
        place.unwrap_or("place unknown"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_one_sentence_that_asks_for_a_report() {
        let payload = "index out\nof bounds".to_owned();
        let text = sentence(&payload, Some("src/a.rs:1:2"));
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("please report it"), "{text}");
        assert!(
            text.contains("index out of bounds (src/a.rs:1:2)"),
            "{text}"
        );
    }
}
