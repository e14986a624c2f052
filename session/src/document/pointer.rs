//! JSON Pointers (RFC 6901) into the document.

use gss_shared::limits;

/// A pointer to a member, or to the whole document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pointer {
    text: String,
    tokens: Vec<String>,
}

/// The text is no JSON Pointer, or too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadPointer;

impl Pointer {
    /// Reads a client's pointer; the empty one is the whole document.
    pub(crate) fn parse(text: &str) -> Result<Self, BadPointer> {
        if text.chars().count() > limits::POINTER_CHARACTERS || text.contains('\0') {
            return Err(BadPointer);
        }
        Self::read(text)
    }

    /// Reads a pointer of any length.
    pub(crate) fn read(text: &str) -> Result<Self, BadPointer> {
        let Some(rest) = text.strip_prefix('/') else {
            let root = Self { text: String::new(), tokens: Vec::new() };
            return if text.is_empty() { Ok(root) } else { Err(BadPointer) };
        };
        let tokens = rest.split('/').map(unescape).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: text.to_owned(), tokens })
    }

    /// The pointer of these tokens.
    pub(crate) fn of(tokens: Vec<String>) -> Self {
        let text = tokens.iter().fold(String::new(), |text, token| child(&text, token));
        Self { text, tokens }
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Its reference tokens, unescaped.
    pub(crate) fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

/// Pointer text of a member of what `parent` points to.
pub(crate) fn child(parent: &str, token: &str) -> String {
    format!("{parent}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// Pointer text of what holds the member; None for the whole document.
pub(crate) fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// Whether `path` is `prefix` or lies beneath it.
pub(crate) fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn unescape(token: &str) -> Result<String, BadPointer> {
    let mut text = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        match character {
            '~' => match characters.next() {
                Some('0') => text.push('~'),
                Some('1') => text.push('/'),
                Some(_) | None => return Err(BadPointer),
            },
            other => text.push(other),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unescaped_and_come_back() {
        let pointer = Pointer::parse("/a~1b/~01//-").expect("pointer");
        assert_eq!(pointer.tokens(), ["a/b", "~1", "", "-"]);
        assert_eq!(Pointer::of(pointer.tokens().to_vec()), pointer);
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["a", "/~", "/~2", "/a\0", &"/a".repeat(513)] {
            assert_eq!(Pointer::parse(text), Err(BadPointer), "{text}");
        }
        assert_eq!(Pointer::parse("").expect("root").tokens().len(), 0);
    }

    #[test]
    fn within_respects_tokens() {
        assert!(within("/gm/notes", "/gm") && within("/gm", "/gm") && within("/gm", ""));
        assert!(!within("/gmx", "/gm") && !within("/g", "/gm"));
    }
}
