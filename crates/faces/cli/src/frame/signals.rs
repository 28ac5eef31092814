//! Signals become a request to stop; a second interrupt ends at once.

use std::sync::atomic::{AtomicI32, Ordering};

use hooke_core::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// Starts to listen. A full quota and a closed pipe become ordinary errors instead of deaths.
pub fn listen(cancel: &Cancel) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ])?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGPIPE || signal == SIGXFSZ {
                continue;
            }
            if signal == SIGINT && cancel.is_cancelled() {
                std::process::exit(130);
            }
            RECEIVED.store(signal, Ordering::Release);
            cancel.cancel();
        }
    })?;
    Ok(())
}

/// The exit code of a run that a signal stopped: 128 plus the signal's number.
pub fn exit_code() -> u8 {
    match RECEIVED.load(Ordering::Acquire) {
        0 => 130,
        signal => 128u8.saturating_add(signal as u8),
    }
}
