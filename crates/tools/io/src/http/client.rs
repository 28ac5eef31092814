//! Requests: whole objects and ranges of them, again where a server stumbles.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// How often a request is made before it counts as failed.
const ATTEMPTS: u32 = 6;
/// The pause after the first failure; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A server that does not take a connection or say anything for so long is given up.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);

/// One client for all: connections are kept and used again, also by other threads.
static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .max_idle_connections_per_host(64)
        .user_agent(concat!("hooke/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
});

/// Why one attempt failed.
enum Failure {
    /// Another attempt may succeed.
    Passing(io::Error),
    Final(io::Error),
}

/// The bytes of an object, or `None` when the server does not have it (404).
///
/// # Errors
/// What went wrong, after several attempts where that may help; `InvalidData` for an object of more
/// than `limit` bytes.
pub(crate) fn get(url: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let address = encode(url)?;
    again(|| {
        let mut response = AGENT.get(&address).call().map_err(failure)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => whole(&mut response, limit).map(Some),
            other => Err(refusal(other)),
        }
    })
}

/// The number of bytes of an object.
///
/// # Errors
/// `NotFound` when the server does not have it (404); else as [`get`].
pub(crate) fn size(url: &Path) -> io::Result<u64> {
    let address = encode(url)?;
    again(|| {
        let response = AGENT.head(&address).call().map_err(failure)?;
        match response.status() {
            StatusCode::NOT_FOUND => Err(Failure::Final(ErrorKind::NotFound.into())),
            StatusCode::OK => {
                let said = response.headers().get("content-length");
                let bytes = said.and_then(|v| v.to_str().ok()?.parse().ok());
                let silent = || io::Error::other("the server does not say how large it is");
                bytes.ok_or_else(|| Failure::Final(silent()))
            }
            other => Err(refusal(other)),
        }
    })
}

/// Fills `out` from the bytes of an object at `offset`.
///
/// # Errors
/// `UnexpectedEof` when the object ends before; else as [`get`].
pub(crate) fn read_at(url: &Path, offset: u64, out: &mut [u8]) -> io::Result<()> {
    let Some(last) = (out.len() as u64).checked_sub(1) else { return Ok(()) };
    let address = encode(url)?;
    let range = format!("bytes={offset}-{}", offset.saturating_add(last));
    again(|| {
        let request = AGENT.get(&address).header("Range", &range);
        let response = request.call().map_err(failure)?;
        let status = response.status();
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        match status {
            StatusCode::PARTIAL_CONTENT => {}
            // A server that knows no ranges sends everything.
            StatusCode::OK => {
                let passed = io::copy(&mut (&mut body).take(offset), &mut io::sink());
                passed.map_err(Failure::Passing)?;
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                return Err(Failure::Final(ErrorKind::UnexpectedEof.into()));
            }
            other => return Err(refusal(other)),
        }
        body.read_exact(out).map_err(Failure::Passing)
    })
}

/// Makes attempts with growing pauses until one succeeds or cannot.
fn again<T>(mut attempt: impl FnMut() -> Result<T, Failure>) -> io::Result<T> {
    for number in 0.. {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(Failure::Passing(_)) if number + 1 < ATTEMPTS => {
                std::thread::sleep(FIRST_PAUSE * 2u32.pow(number));
            }
            Err(Failure::Passing(error) | Failure::Final(error)) => return Err(error),
        }
    }
    unreachable!("the last attempt returns")
}

fn whole(response: &mut Response<Body>, limit: u64) -> Result<Vec<u8>, Failure> {
    let too_long = || {
        let what = format!("it has more than {limit} bytes");
        Failure::Final(io::Error::new(ErrorKind::InvalidData, what))
    };
    // A body of exactly the limit of the library counts as too long there.
    let read = response.body_mut().with_config().limit(limit.saturating_add(1)).read_to_vec();
    match read {
        Ok(body) if body.len() as u64 <= limit => Ok(body),
        Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => Err(too_long()),
        Err(other) => Err(failure(other)),
    }
}

/// A status that is neither success nor absence: a server in trouble may recover.
fn refusal(status: StatusCode) -> Failure {
    let error = io::Error::other(format!("the server answers with HTTP status {status}"));
    let passing = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    if passing { Failure::Passing(error) } else { Failure::Final(error) }
}

fn failure(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Io(error) => Failure::Passing(error),
        ureq::Error::Timeout(what) => {
            let what = format!("the server is silent ({what})");
            Failure::Passing(io::Error::new(ErrorKind::TimedOut, what))
        }
        ureq::Error::ConnectionFailed | ureq::Error::BodyStalled | ureq::Error::Protocol(_) => {
            Failure::Passing(io::Error::other(error.to_string()))
        }
        ureq::Error::TlsRequired => {
            let what = "this build of Hooke reads no https; build it with --features https";
            Failure::Final(io::Error::new(ErrorKind::Unsupported, what))
        }
        other => Failure::Final(io::Error::other(other.to_string())),
    }
}

/// The address as requests have it: what no address may contain is written `%XX`.
fn encode(url: &Path) -> io::Result<String> {
    let bad = || io::Error::new(ErrorKind::InvalidInput, "not an address in UTF-8");
    let text = url.to_str().ok_or_else(bad)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn spaces_and_other_letters_are_encoded_and_the_rest_stays() {
        let url = Path::new("http://a.b:80/x y/µ.zarr").join("c/0");
        assert_eq!(encode(&url).unwrap(), "http://a.b:80/x%20y/%C2%B5.zarr/c/0");
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let mut attempts = 0;
        let error = again(|| -> Result<(), Failure> {
            attempts += 1;
            Err(refusal(StatusCode::FORBIDDEN))
        });
        assert!(error.unwrap_err().to_string().contains("403") && attempts == 1);
        let mut attempts = 0;
        let value = again(|| {
            attempts += 1;
            if attempts < 3 { Err(refusal(StatusCode::BAD_GATEWAY)) } else { Ok(attempts) }
        });
        assert_eq!(value.unwrap(), 3);
    }
}
