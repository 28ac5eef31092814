//! `hooke blobs` from outside.

mod bad_input;
mod detect;
mod formats;
mod matching;
mod score;
mod stats;
mod store;

use std::fmt::Write as _;

use rusqlite::Connection;

use crate::hooke::Bench;

const BLOBS: &str =
    "id,t,channel,z,y,x,z_um,y_um,x_um,radius_um,response,score,confirmed,truth,region,source\n";
const MATCHES: &str = "match_id,roi_id,t,channel1,channel2,blob1_id,blob2_id,distance_um,distance_scaled,\
                       gate_distance,z,y,x,z_um,y_um,x_um,component,rivals\n";

/// `blobs.csv`, `count` blobs per channel, and `matches.csv`: the first `count - c1 - c2` blobs of channels
/// `c1 < c2` are matched one to one. Voxels are 3,1,1.
fn with_channels(channels: u64, count: u64) -> Bench {
    let bench = Bench::new();
    let mut blobs = BLOBS.to_owned();
    for channel in 0..channels {
        for i in 0..count {
            let id = channel * count + i + 1;
            let (z, y, x) = (i % 40, i / 40, 10.25 + channel as f64);
            let um = 3 * z;
            let score = 5.0 + i as f64 / 2.0;
            let _ = writeln!(
                blobs,
                "{id},0,{channel},{z},{y},{x},{um},{y},{x},4.5,80,{score},-1,-1,-1,hooke"
            );
        }
    }
    let mut matches = MATCHES.to_owned();
    let mut n = 0;
    for a in 0..channels {
        for b in a + 1..channels {
            for i in 0..count - a - b {
                n += 1;
                let (first, second) = (a * count + i + 1, b * count + i + 1);
                let far = b - a;
                let _ = writeln!(
                    matches,
                    "{n},0,0,{a},{b},{first},{second},{far},{far},0.5,0,0,0,0,0,0,{first},0"
                );
            }
        }
    }
    bench.write("blobs.csv", blobs);
    bench.write("matches.csv", matches);
    bench
}

/// Rows of a query of two numbers, and of one.
fn query<T: rusqlite::types::FromSql>(bench: &Bench, store: &str, sql: &str) -> Vec<T> {
    let db = Connection::open(bench.path(store)).unwrap();
    let mut select = db.prepare(sql).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// How many matches there are of each pair of channels, as `a-b:n`.
fn counts(bench: &Bench, store: &str) -> Vec<String> {
    let sql = "SELECT a.channel || '-' || b.channel || ':' || count(*) FROM blob_matches m \
               JOIN blobs a ON a.id = m.blob1 JOIN blobs b ON b.id = m.blob2 \
               GROUP BY a.channel, b.channel ORDER BY a.channel, b.channel";
    query(bench, store, sql)
}

const IMPORT: &str =
    "blobs import blobs.csv --matches matches.csv --voxel-size 3,1,1 -o store.sqlite";

/// What people read when `hooke blobs VERB LINE END` fails, for each line: commands, messages and codes.
/// A command that fails prints no data and leaves nothing behind.
fn told(bench: &Bench, verb: &str, end: &str, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let before = bench.names();
        let ran = bench.run(&format!("blobs {verb} {line} {end}"));
        assert!(ran.code != 0, "hooke blobs {verb} {line} succeeded\n{}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "hooke blobs {verb} {line} printed data");
        for word in ["Some(", "None", "Os {", "os error", "RUST_BACKTRACE"] {
            assert!(
                !ran.err.contains(word),
                "hooke blobs {verb} {line} shows `{word}`\n{}",
                ran.err
            );
        }
        assert_eq!(bench.names(), before, "hooke blobs {verb} {line} left something behind");
        let _ = writeln!(text, "$ hooke blobs {verb} {line}\n{}exit {}\n", ran.err, ran.code);
    }
    text
}
