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
    /// The first file that it changes.
    touches: String,
}

/// All of them, those of a crate together: from one to the next little is built.
pub(crate) fn all(root: &Path) -> Result<Vec<Patch>> {
    let folder = root.join(FOLDER);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "patch") {
            files.push(file);
        }
    }
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file)?;
        let what = file.display().to_string();
        parse(file, &text).with_context(|| what)
    };
    let mut patches = files.into_iter().map(read).collect::<Result<Vec<Patch>>>()?;
    patches.sort_by(|a, b| (&a.touches, &a.name).cmp(&(&b.touches, &b.name)));
    Ok(patches)
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
    let touches = text.lines().find_map(|line| line.strip_prefix("--- a/"));
    let touches = touches.context("no file that it changes")?.to_owned();
    Ok(Patch { name, claim, caught_by, file, touches })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_breaks_and_what_finds_it() {
        let text = "claim: nothing is lost\ncaught-by: gss-sim --seconds 60\n\
                    caught-by: nextest -p gss-node fence\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n";
        let patch = parse(PathBuf::from("a/lost.patch"), text).expect("a patch");
        assert_eq!((patch.name.as_str(), patch.claim.as_str()), ("lost", "nothing is lost"));
        let harnesses: Vec<String> = patch.caught_by.iter().map(ToString::to_string).collect();
        assert_eq!(harnesses, ["gss-sim --seconds 60", "nextest -p gss-node fence"]);
    }

    #[test]
    fn a_header_that_says_less_is_refused() {
        let (claim, by) = ("claim: x\n", "caught-by: gss-sim --seconds 1\n");
        for text in [claim.to_owned(), by.to_owned(), format!("{claim}{by}not: so\n")] {
            let text = format!("{text}diff --git a/x b/x\n--- a/x\n");
            assert!(parse(PathBuf::from("a.patch"), &text).is_err(), "{text}");
        }
    }
}
