//! What is asked of Redis: a command or a script, and the slot that decides who gets it.

use redis::Cmd;
use redis::cluster::NodeAddress;

use super::keys;
use super::topology::Range;

/// A Lua script; sent by its hash, with its text where a server does not know it.
#[derive(Debug)]
pub(crate) struct Lua {
    code: &'static str,
    hash: String,
}

impl Lua {
    pub(crate) fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }
}

/// One command for the master of one slot.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(super) slot: u16,
    /// For the first replica of its slot, not the master.
    wants_replica: bool,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Plain(Cmd),
    Script { script: &'static Lua, keys: Vec<String>, arguments: Vec<Vec<u8>> },
}

impl Request {
    /// A command whose key or channel is `key`.
    pub(crate) fn command(key: &str, command: Cmd) -> Self {
        Self { slot: keys::slot(key), wants_replica: false, body: Body::Plain(command) }
    }

    /// A script call in one slot. It may be sent more than once, so it must bear repetition.
    pub(crate) fn script(
        script: &'static Lua,
        slot: u16,
        keys: Vec<String>,
        arguments: Vec<Vec<u8>>,
    ) -> Self {
        Self { slot, wants_replica: false, body: Body::Script { script, keys, arguments } }
    }

    /// The same for a replica.
    pub(super) fn for_replica(self) -> Self {
        Self { wants_replica: true, ..self }
    }

    /// The server of its slot that gets it.
    pub(super) fn home<'a>(&self, range: &'a Range) -> Option<&'a NodeAddress> {
        if self.wants_replica { range.replicas.first() } else { Some(&range.master) }
    }

    /// The command as sent; `with_text` for a server that does not know the script.
    pub(super) fn encode(&self, with_text: bool) -> Cmd {
        match &self.body {
            Body::Plain(command) => command.clone(),
            Body::Script { script, keys, arguments } => {
                let mut command = if with_text {
                    let mut command = redis::cmd("EVAL");
                    command.arg(script.code);
                    command
                } else {
                    let mut command = redis::cmd("EVALSHA");
                    command.arg(&script.hash);
                    command
                };
                command.arg(keys.len()).arg(keys);
                for argument in arguments {
                    command.arg(argument.as_slice());
                }
                command
            }
        }
    }
}
