//! The dev server as a user has it: the demo holds, and a table survives a restart.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn gssctl(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gssctl"));
    command.arg("dev").arg("--data").arg(data).stdin(Stdio::null());
    command
}

#[test]
fn the_demo_holds() {
    let data = tempfile::tempdir().expect("directory");
    for _ in 0..2 {
        let output = gssctl(data.path()).arg("--demo").output().expect("gssctl runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.lines().last(), Some("everything holds"));
        assert_eq!(said.lines().filter(|line| line.ends_with(", 0 finding(s)")).count(), 5);
        assert!(!said.contains('\u{1b}'), "colors are for terminals");
        for part in ["══ The ford at dusk ══", "── round 1 ──", "the seed is the one"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        for shown in ["concentration checks", "opportunity attacks", "death saves"] {
            let lines = said.lines().filter_map(|line| line.strip_prefix(shown));
            let counts: Vec<&str> = lines.filter_map(|rest| rest.strip_prefix(": ")).collect();
            let [count] = counts[..] else { panic!("{shown}: {said}") };
            assert!(count.parse::<u32>().is_ok_and(|count| count > 0), "{shown}: {count}");
        }
        for shown in ["spells cast: ", "conditions: "] {
            let mut lines = said.lines().filter_map(|line| line.strip_prefix(shown));
            assert!(lines.next().is_some_and(|list| !list.is_empty()), "{shown}: {said}");
        }
    }
}

/// A server that listens; its introduction up to the last line.
struct Server {
    child: Child,
    introduction: String,
    /// Held open: it says more when it ends.
    output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = gssctl(data);
        command.args(["--port", "0"]).args(more).stdout(Stdio::piped());
        let mut child = command.spawn().expect("gssctl starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut introduction = String::new();
        while !introduction.contains("more tokens:") {
            let line = lines.next().expect("an introduction").expect("text");
            introduction.push_str(&line);
            introduction.push('\n');
        }
        Self { child, introduction, output: lines }
    }

    fn table(&self) -> (&str, &str) {
        let line = self.introduction.lines().find(|line| line.starts_with("A table, "));
        let (state, id) = line.and_then(|line| line.rsplit_once(": ")).expect("a table");
        (state, id)
    }

    /// SIGINT, as Ctrl-C sends it.
    fn interrupt(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("pid"));
        kill(pid, Signal::SIGINT).expect("signal");
        let last = self.output.by_ref().map(|line| line.expect("text")).last();
        assert!(last.is_some_and(|line| line.starts_with("stopping; what was played is in ")));
        assert!(self.child.wait().expect("an end").success());
    }
}

#[test]
fn a_table_survives_a_restart_and_not_a_reset() {
    let data = tempfile::tempdir().expect("directory");
    let first = Server::start(data.path(), &[]);
    let (state, table) = first.table();
    assert_eq!(state, "A table, new");
    let table = table.to_owned();
    first.interrupt();

    let second = Server::start(data.path(), &[]);
    assert_eq!(second.table(), ("A table, as it was left", table.as_str()));
    second.interrupt();

    let third = Server::start(data.path(), &["--reset"]);
    assert_eq!(third.table().0, "A table, new");
    assert_ne!(third.table().1, table);
    third.interrupt();
}
