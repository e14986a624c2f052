//! What a source file may contain.

use std::path::{Component, Path, PathBuf};

/// Lines of a source file, tests included.
const MAX_LINES: usize = 600;
/// Files that the limit is for.
const COUNTED: [&str; 7] = ["rs", "ts", "tsx", "js", "lua", "sql", "sh"];
/// Crates without clock, I/O, randomness and unordered maps.
const PURE: [&str; 2] = ["rules/src", "session/src"];
/// What those crates do not name.
const IMPURE: [&str; 11] = [
    "tokio",
    "std::time",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "rand::",
    "SystemTime",
    "HashMap",
    "HashSet",
    "async fn",
];
/// Unfinished work; spelled apart so that this file passes its own check.
const UNFINISHED: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];

/// Findings on one file.
pub(super) fn check(file: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let name = file.display();
    let lines = text.lines().count();
    if COUNTED.contains(&extension) && lines > MAX_LINES {
        findings.push(format!("{name}: {lines} lines, more than {MAX_LINES}"));
    }
    for (index, line) in text.lines().enumerate() {
        if leaves_the_tree(file, line) {
            findings.push(format!("{name}:{}: refers to a file outside of the tree", index + 1));
        }
    }
    if extension == "rs" {
        findings.extend(rust(file, text));
    }
    if PURE.iter().any(|folder| file == Path::new(folder).with_file_name("Cargo.toml")) {
        findings.extend(manifest(file, text));
    }
    findings
}

fn rust(file: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let pure = PURE.iter().any(|folder| file.starts_with(folder)) && !file.ends_with("tests.rs");
    let mut in_tests = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let place = || format!("{}:{}", file.display(), index + 1);
        for word in UNFINISHED.iter().filter(|word| code.contains(**word)) {
            findings.push(format!("{}: {word}) is not finished work", place()));
        }
        in_tests |= code.contains("#[cfg(test)]");
        for word in IMPURE.iter().filter(|word| pure && !in_tests && code.contains(**word)) {
            findings.push(format!("{}: {word} in a pure crate", place()));
        }
    }
    findings
}

/// Dependencies of a pure crate.
fn manifest(file: &Path, text: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once("[dependencies]") else { return Vec::new() };
    let dependencies = rest.split("\n[").next().unwrap_or_default();
    let names = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names
        .filter(|name| ["tokio", "rand", "async-trait", "futures"].contains(name))
        .map(|name| format!("{}: a pure crate depends on {name}", file.display()))
        .collect()
}

/// Whether the line names a relative path that ends up outside, or the folder that the tree is in.
fn leaves_the_tree(file: &Path, line: &str) -> bool {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let mut words = line.split(|c: char| !is_path(c));
    words.any(|word| {
        word.starts_with(concat!("/work", "/"))
            || (word.starts_with("../") && !word.contains("...") && depth(file, word) < 0)
    })
}

/// Least number of folders below the root that a path reaches, seen from a file.
fn depth(file: &Path, path: &str) -> isize {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut depth: isize = 0;
    let mut least = 0;
    for part in PathBuf::from(folder).join(path).components() {
        depth += match part {
            Component::ParentDir => -1,
            Component::Normal(_) => 1,
            Component::Prefix(_) | Component::RootDir | Component::CurDir => 0,
        };
        least = least.min(depth);
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(file: &str, text: &str) -> Vec<String> {
        check(Path::new(file), text)
    }

    #[test]
    fn pure_crates_are_kept_pure() {
        let text = "use std::time::Duration; // tokio\n#[cfg(test)]\nuse std::fs;\n";
        assert_eq!(
            findings("rules/src/dice.rs", text),
            ["rules/src/dice.rs:1: std::time in a pure crate"]
        );
        assert_eq!(findings("node/src/dice.rs", text), [""; 0]);
        assert_eq!(
            findings("session/Cargo.toml", "[dependencies]\nrand.workspace = true\n\n[lints]\n"),
            ["session/Cargo.toml: a pure crate depends on rand"]
        );
    }

    #[test]
    fn unfinished_work_is_found() {
        let line = format!("    {})\n", UNFINISHED[0]);
        assert_eq!(
            findings("node/src/a.rs", &line),
            [format!("node/src/a.rs:1: {}) is not finished work", UNFINISHED[0])]
        );
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(findings("a/b.rs", &"\n".repeat(600)), [""; 0]);
        assert_eq!(findings("a/b.rs", &"\n".repeat(601)), ["a/b.rs: 601 lines, more than 600"]);
        assert_eq!(findings("Cargo.lock", &"\n".repeat(601)), [""; 0]);
    }

    #[test]
    fn paths_out_of_the_tree_are_found() {
        let outside = concat!("include_str!(\"../../", "../shared/x.json\")");
        let inside = "include_str!(\"../../shared/x.json\")";
        let found = "node/src/a.rs:1: refers to a file outside of the tree";
        assert_eq!(findings("node/src/a.rs", outside), [found]);
        assert_eq!(findings("node/src/a.rs", inside), [""; 0]);
        assert_eq!(findings("node/src/a.rs", concat!("\"/work", "/shared\"")), [found]);
    }
}
