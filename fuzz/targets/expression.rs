//! Reads a file expression, writes it, and matches it with a path: the input is `EXPRESSION\nPATH`.
#![no_main]

use hooke_io::expression::{Expression, detect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (written, path) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(expression) = written.parse::<Expression>() {
        assert_eq!(expression.to_string().parse::<Expression>().as_ref(), Ok(&expression));
        let _ = (expression.glob(), expression.regex());
        // Many open tags that repeat one another take long to refuse a long path.
        if path.len() <= 64
            && let Some(values) = expression.matches(path)
        {
            let formatted = expression.format(&values).expect("values of a match fit");
            assert!(expression.matches(&formatted).is_some(), "{formatted}");
        }
    }
    let names: Vec<&str> = text.lines().collect();
    if let Ok(expression) = detect(&names) {
        assert!(names.iter().all(|name| expression.matches(name).is_some()));
        // Names of files have at most 255 bytes.
        if names[0].len() <= 255 {
            assert_eq!(expression.to_string().parse(), Ok(expression));
        }
    }
});
