//! Paths as the user typed them.

use std::sync::OnceLock;

/// The working folder with a `/`, unless the user names files by their whole path.
fn here() -> &'static Option<String> {
    static HERE: OnceLock<Option<String>> = OnceLock::new();
    HERE.get_or_init(|| {
        let folder = format!("{}/", std::env::current_dir().ok()?.to_str()?.trim_end_matches('/'));
        let typed = |word: std::ffi::OsString| word.to_string_lossy().contains(&folder);
        (folder != "/" && !std::env::args_os().any(typed)).then_some(folder)
    })
}

/// A message whose paths below the working folder are shown from there.
pub fn as_typed(text: &str) -> String {
    match here() {
        Some(folder) => from_folder(text, folder),
        None => text.to_owned(),
    }
}

fn from_folder(text: &str, folder: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(folder) {
        let (before, after) = rest.split_at(at);
        shown.push_str(before);
        // `/data/a/` in `/old/data/a/` is another folder.
        let whole = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '.');
        if !whole {
            shown.push_str(folder);
        }
        rest = &after[folder.len()..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::from_folder;

    #[test]
    fn paths_below_the_working_folder_are_relative() {
        let short =
            from_folder("/data/a/b.tif: cut; see `/data/a/c.tif`, /old/data/a/d", "/data/a/");
        assert_eq!(short, "b.tif: cut; see `c.tif`, /old/data/a/d");
        assert_eq!(from_folder("/data/ab", "/data/a/"), "/data/ab");
    }
}
