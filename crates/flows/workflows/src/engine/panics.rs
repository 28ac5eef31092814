//! Panics stay inside their block.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

static HOOK: Once = Once::new();
/// Blocks that run now: only then are panics kept from the terminal.
static GUARDED: AtomicUsize = AtomicUsize::new(0);
/// Messages and places of panics that no block has asked about yet.
static PLACES: Mutex<Vec<(ThreadId, String, String)>> = Mutex::new(Vec::new());
/// Panics of other threads that nobody asks about must not pile up.
const KEPT: usize = 64;

/// Runs a block; a panic in it, or in threads that it waits for, comes back as a message with
/// its place in the source.
pub(crate) fn guard<T>(block: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(install);
    GUARDED.fetch_add(1, Ordering::AcqRel);
    let result = catch_unwind(AssertUnwindSafe(block));
    GUARDED.fetch_sub(1, Ordering::AcqRel);
    result.map_err(|payload| {
        let message = text(payload.as_ref());
        match place(&message) {
            Some(place) => format!("{message} at {place}; this is a defect, please report it"),
            None => format!("{message}; this is a defect, please report it"),
        }
    })
}

fn install() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if GUARDED.load(Ordering::Acquire) == 0 {
            return before(info);
        }
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT {
            places.remove(0);
        }
        places.push((thread::current().id(), text(info.payload()), place));
    }));
}

/// Where the panic with that message happened: on this thread, or on one that handed it over.
fn place(message: &str) -> Option<String> {
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let here = thread::current().id();
    let found = places
        .iter()
        .rposition(|(thread, text, _)| *thread == here && text == message)
        .or_else(|| places.iter().rposition(|(_, text, _)| text == message))?;
    Some(places.remove(found).2)
}

fn text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_names_its_place_also_from_another_thread() {
        let message = guard(|| panic!("no tiles here")).expect_err("it panics");
        assert!(message.starts_with("no tiles here at "), "{message}");
        assert!(message.contains("panics.rs:"), "{message}");
        let joined = guard(|| rayon::join(|| (), || panic!("deep {}", 7)));
        assert!(joined.expect_err("it panics").contains("deep 7 at "));
    }
}
