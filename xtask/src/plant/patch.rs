//! The patches of `tests/plants`: lines of `key: value`, then what `git diff` printed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::harness::Harness;

/// Where they are.
pub(crate) const FOLDER: &str = "tests/plants";

/// One bug that is known.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    /// The file's name without its end.
    pub(crate) name: String,
    /// Which promise it breaks.
    pub(crate) claim: String,
    /// What finds it, the preferred one first.
    pub(crate) caught_by: Vec<Harness>,
    /// The patch.
    pub(crate) file: PathBuf,
}

/// All of them, by name.
pub(crate) fn all(root: &Path) -> Result<Vec<Patch>> {
    let folder = root.join(FOLDER);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "patch") {
            files.push(file);
        }
    }
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file)?;
        let what = file.display().to_string();
        parse(file, &text).with_context(|| what)
    };
    files.into_iter().map(read).collect()
}

fn parse(file: PathBuf, text: &str) -> Result<Patch> {
    let name = file.file_stem().and_then(|stem| stem.to_str()).context("a name")?.to_owned();
    let (mut claim, mut caught_by) = (None, Vec::new());
    for line in text.lines().take_while(|line| !line.starts_with("diff ")) {
        match line.split_once(": ") {
            Some(("claim", text)) => claim = Some(text.to_owned()),
            Some(("caught-by", harness)) => caught_by.push(harness.parse()?),
            _ if line.is_empty() => {}
            _ => bail!("`{line}` is neither `claim: …` nor `caught-by: …`"),
        }
    }
    let claim = claim.context("no line `claim: …`")?;
    if caught_by.is_empty() {
        bail!("no line `caught-by: …`");
    }
    Ok(Patch { name, claim, caught_by, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_breaks_and_what_finds_it() {
        let text = "claim: nothing is lost\ncaught-by: gss-sim --seconds 60\n\
                    caught-by: nextest -p gss-node fence\n\ndiff --git a/x b/x\nclaim: no\n";
        let patch = parse(PathBuf::from("a/lost.patch"), text).expect("a patch");
        assert_eq!((patch.name.as_str(), patch.claim.as_str()), ("lost", "nothing is lost"));
        let harnesses: Vec<String> = patch.caught_by.iter().map(ToString::to_string).collect();
        assert_eq!(harnesses, ["gss-sim --seconds 60", "nextest -p gss-node fence"]);
    }

    #[test]
    fn a_header_that_says_less_is_refused() {
        for text in ["claim: x\ndiff ", "caught-by: gss-sim --seconds 1\ndiff ", "claim x\n"] {
            assert!(parse(PathBuf::from("a.patch"), text).is_err(), "{text}");
        }
    }
}
