//! Which files there are, and how they may be called.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 9] = [
    "target",
    ".git",
    "node_modules",
    "data",
    "dist",
    "__pycache__",
    ".venv",
    ".pytest_cache",
    "proptest-regressions",
];
/// Names that say a role instead of a thing.
const FORBIDDEN: [&str; 3] = ["common", "core", "misc"];
/// Words that do so in compound names too.
const FORBIDDEN_WORDS: [&str; 6] = ["util", "utils", "manager", "managers", "helper", "helpers"];
/// What the rule on names is about.
const NAMED: [&str; 5] = ["rs", "ts", "tsx", "js", "lua"];

/// All files of the tree, relative to its root, sorted.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path().strip_prefix(root)?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Findings on names.
pub(super) fn check(files: &[PathBuf]) -> Vec<String> {
    let named = |file: &&PathBuf| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| NAMED.contains(&extension))
    };
    files.iter().filter(named).filter_map(|file| misnamed(file)).collect()
}

fn misnamed(file: &Path) -> Option<String> {
    if file.file_name()? == "mod.rs" {
        return Some(format!("{}: a module's file is foo.rs beside foo/", file.display()));
    }
    let stem = file.with_extension("");
    let mut parts = stem.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let says_role = |part: &&str| {
        FORBIDDEN.contains(part)
            || part.split(['_', '-']).any(|word| FORBIDDEN_WORDS.contains(&word))
    };
    let bad = parts.find(says_role)?;
    Some(format!("{}: `{bad}` names a role, not a thing", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_and_things_are_not() {
        let files = [
            "node/src/mod.rs",
            "node/src/shard_utils.rs",
            "node/src/core.rs",
            "rules/src/core_rules.rs",
            "score/src/encore.rs",
        ];
        assert_eq!(
            check(&files.map(PathBuf::from)),
            [
                "node/src/mod.rs: a module's file is foo.rs beside foo/",
                "node/src/shard_utils.rs: `shard_utils` names a role, not a thing",
                "node/src/core.rs: `core` names a role, not a thing",
            ]
        );
    }
}
