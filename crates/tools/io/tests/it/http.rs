//! Zarr containers on a web server: a small one of our own, which stumbles on purpose.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hooke_core::{Dtype, ImageSink, Pixels, Region};
use hooke_io::ome_zarr::{self, WriteOptions};
use hooke_io::{ChunkCache, OpenOptions, open};

use crate::harness::*;
use crate::zarr_conformance::unpacked;

/// What the server does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Manners {
    Good,
    /// Answers the first request for every object with 500, the second by hanging up half way.
    Stumbles,
    /// Knows no ranges.
    WithoutRanges,
    /// Answers requests for chunks with this.
    Refuses(&'static str),
}

struct Server {
    address: String,
    /// Requests as `GET /path`, and connections.
    log: Arc<Mutex<(Vec<String>, usize)>>,
}

impl Server {
    fn new(folder: &Path, manners: Manners) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new((Vec::new(), 0)));
        let (folder, shared) = (folder.to_owned(), Arc::clone(&log));
        let seen = Arc::new(Mutex::new(HashMap::new()));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, log, seen) = (folder.clone(), Arc::clone(&shared), Arc::clone(&seen));
                log.lock().unwrap().1 += 1;
                std::thread::spawn(move || serve(stream, &folder, manners, &log, &seen));
            }
        });
        Server { address, log }
    }

    fn at(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{}/{name}", self.address))
    }
}

/// Answers the requests of one connection; `None` when it ends.
fn serve(
    stream: TcpStream,
    folder: &Path,
    manners: Manners,
    log: &Mutex<(Vec<String>, usize)>,
    seen: &Mutex<HashMap<String, usize>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut range = None;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim().to_ascii_lowercase();
            if let Some(text) = header.strip_prefix("range: bytes=") {
                let (a, b) = text.split_once('-')?;
                range = Some((a.parse::<usize>().ok()?, b.parse::<usize>().ok()?));
            }
            if header.is_empty() {
                break;
            }
        }
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        log.lock().unwrap().0.push(format!("{method} {path}"));
        let attempt = {
            let mut seen = seen.lock().unwrap();
            let count = seen.entry(format!("{method} {path} {range:?}")).or_insert(0);
            *count += 1;
            *count
        };
        let name = path.trim_start_matches('/').replace("%20", " ");
        let is_chunk = !name.ends_with(".json") && !name.contains("/.z");
        let mut answer = |status: &str, body: &[u8], sent: usize| {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
            let body = if method == "HEAD" { &[][..] } else { &body[..sent] };
            stream.write_all(&[head.as_bytes(), body].concat()).ok()
        };
        match manners {
            Manners::Refuses(status) if is_chunk => {
                answer(status, b"no", 2)?;
                continue;
            }
            Manners::Stumbles if attempt == 1 => {
                answer("500 Internal Server Error", b"oh", 2)?;
                continue;
            }
            _ => {}
        }
        let Ok(content) = std::fs::read(folder.join(&name)) else {
            answer("404 Not Found", b"", 0)?;
            continue;
        };
        let hangs_up = manners == Manners::Stumbles && attempt == 2 && method == "GET";
        let (status, body) = match range {
            Some((a, b)) if manners != Manners::WithoutRanges => {
                let end = (b + 1).min(content.len());
                ("206 Partial Content", &content[a.min(end)..end])
            }
            _ => ("200 OK", &content[..]),
        };
        answer(status, body, if hangs_up { body.len() / 2 } else { body.len() })?;
        if hangs_up {
            return None;
        }
    }
}

fn written(folder: &Path, unsharded: bool) -> Pixels {
    let shape = [1, 2, 9, 30, 41];
    let pixels = pattern(Dtype::Uint16, shape, 8);
    let meta = described("a", "czyx", shape, Dtype::Uint16);
    let options = WriteOptions {
        chunk: Some([4, 8, 8]),
        shard: (!unsharded).then_some([8, 16, 16]),
        unsharded,
        levels: ome_zarr::Levels::Count(1),
        ..WriteOptions::default()
    };
    let sink = ome_zarr::create(&folder.join("my a.ome.zarr"), &meta, &options).unwrap();
    let unit = sink.write_unit(0);
    write_blocks(&sink, &pixels, unit);
    pixels
}

fn cached() -> OpenOptions {
    OpenOptions { cache: Some(ChunkCache::new(1 << 20).into()), ..OpenOptions::default() }
}

#[test]
fn images_on_a_server_are_those_on_disk_whatever_its_manners() {
    for unsharded in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let pixels = written(folder.path(), unsharded);
        for manners in [Manners::Good, Manners::Stumbles, Manners::WithoutRanges] {
            let server = Server::new(folder.path(), manners);
            let dataset = open(&server.at("my a.ome.zarr"), &cached()).unwrap();
            assert_eq!(dataset.format(), "ome-zarr");
            let image = dataset.images()[0].as_ref();
            assert_eq!(image.meta().name, "a");
            assert!(read_whole(image) == pixels);
            // With its pauses, once is enough.
            if manners != Manners::Stumbles {
                check_regions(image, 6);
            }
        }
    }
}

#[test]
fn a_region_asks_for_the_chunks_it_touches_and_connections_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let pixels = written(folder.path(), true);
    let server = Server::new(folder.path(), Manners::Good);
    let dataset = open(&server.at("my a.ome.zarr"), &cached()).unwrap();
    let before = server.log.lock().unwrap().0.len();
    let part = Region::new([0, 1, 0, 0, 0], [1, 1, 4, 16, 8]);
    assert!(read(dataset.images()[0].as_ref(), 0, &part) == pixels.crop(&part));
    let (requests, connections) = server.log.lock().unwrap().clone();
    let mut asked = requests[before..].to_vec();
    asked.sort();
    assert_eq!(asked, ["GET /my%20a.ome.zarr/0/c/1/0/0/0", "GET /my%20a.ome.zarr/0/c/1/0/1/0"]);
    assert!(connections < requests.len(), "{connections} connections for {requests:?}");
}

#[test]
fn containers_of_other_tools_agree_with_those_on_disk() {
    for name in ["ome04_5d", "ome05_nm", "zarr3_sharded", "zarr3_missing_chunks", "zarr2_F_be"] {
        let Some((_folder, path)) = unpacked(name) else { return };
        let server = Server::new(path.parent().unwrap(), Manners::Good);
        let here = open(&path, &OpenOptions::default()).unwrap();
        let there = open(&server.at(&format!("{name}.zarr")), &cached()).unwrap();
        assert_eq!(here.images().len(), there.images().len(), "{name}");
        for (a, b) in here.images().iter().zip(there.images()) {
            assert_eq!((a.meta(), a.levels()), (b.meta(), b.levels()));
            assert!(read_whole(a.as_ref()) == read_whole(b.as_ref()), "{name}");
        }
    }
}

#[test]
fn what_a_server_refuses_is_one_error_with_address_and_status() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), true);
    for (status, tried) in [("403 Forbidden", 1), ("503 Service Unavailable", 6)] {
        let server = Server::new(folder.path(), Manners::Refuses(status));
        let dataset = open(&server.at("my a.ome.zarr"), &cached()).unwrap();
        let before = server.log.lock().unwrap().0.len();
        let one = Region::new([0; 5], [1, 1, 1, 1, 1]);
        let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
        let error = dataset.images()[0].read(0, &one, &mut out).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{}/my a.ome.zarr/0/c/0/0/0/0", server.address)),
            "{error}"
        );
        assert!(error.contains(&format!("HTTP status {status}")), "{error}");
        assert_eq!(server.log.lock().unwrap().0.len() - before, tried);
    }
    let server = Server::new(folder.path(), Manners::Good);
    let error = open(&server.at("nothing.zarr"), &cached()).err().unwrap();
    assert_eq!(error.code(), "unrecognised");
    assert!(error.to_string().contains("nothing.zarr"), "{error}");
}
