//! What the processes of a cluster log as errors. A panic is one, wherever it is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Reads each log on from where it was read to.
#[derive(Debug)]
pub(crate) struct Logs {
    folder: PathBuf,
    read: BTreeMap<PathBuf, usize>,
}

impl Logs {
    /// Of the cluster in this folder.
    pub(crate) fn of(cluster: &Path) -> Self {
        Self { folder: cluster.join("cluster/logs"), read: BTreeMap::new() }
    }

    /// Lines of nodes and routers since the last call that are errors and contain none of
    /// `expected`.
    pub(crate) fn errors(&mut self, expected: &[String]) -> Result<Vec<String>> {
        let mut errors = Vec::new();
        for entry in std::fs::read_dir(&self.folder).context("the folder of logs")? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if !name.starts_with("node-") && !name.starts_with("router-") {
                continue;
            }
            let bytes = std::fs::read(&path)?;
            let from = self.read.insert(path, bytes.len()).unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[from.min(bytes.len())..]).into_owned();
            let wrong = text.lines().filter(|line| is_error(line));
            let wrong = wrong.filter(|line| !expected.iter().any(|text| line.contains(text)));
            errors.extend(wrong.map(|line| format!("{name} logs {line}")));
        }
        Ok(errors)
    }
}

fn is_error(line: &str) -> bool {
    line.contains("\"level\":\"ERROR\"") || line.contains("panicked at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_are_found_once_and_expected_ones_left_out() {
        let folder = std::env::temp_dir().join(format!("gss-logs-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("cluster/logs")).expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join("cluster/logs").join(name), text).expect("a log");
        };
        let first = "{\"level\":\"INFO\"}\n{\"level\":\"ERROR\",\"message\":\"broken\"}\n";
        write("node-1.log", first);
        write(
            "router-1.log",
            "thread 'main' panicked at here\n{\"level\":\"ERROR\",\"known\":1}\n",
        );
        write("postgres.log", "\"level\":\"ERROR\"");
        let mut logs = Logs::of(&folder);
        let mut errors = logs.errors(&["known".to_owned()]).expect("logs");
        errors.sort();
        let expected = [
            "node-1 logs {\"level\":\"ERROR\",\"message\":\"broken\"}",
            "router-1 logs thread 'main' panicked at here",
        ];
        assert_eq!(errors, expected);
        write("node-1.log", &format!("{first}{{\"level\":\"ERROR\",\"message\":\"again\"}}\n"));
        let errors = logs.errors(&[]).expect("logs");
        assert_eq!(errors, ["node-1 logs {\"level\":\"ERROR\",\"message\":\"again\"}"]);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
