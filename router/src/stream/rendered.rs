//! Frames of one message: encoded once for all viewers that get the same bytes.

use gss_shared::ids::Version;
use gss_shared::message::close_frame;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Finished frames of one message by variant and `prev`.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    frames: Vec<(usize, Version, Utf8Bytes)>,
}

impl Rendered {
    /// The frame of this variant for a viewer whose last message was `prev`.
    pub(crate) fn frame(&mut self, variant: usize, prev: Version, head: &str) -> Utf8Bytes {
        let known = self.frames.iter().find(|(v, p, _)| *v == variant && *p == prev);
        if let Some((_, _, frame)) = known {
            return frame.clone();
        }
        let frame = Utf8Bytes::from(close_frame(head, prev));
        self.frames.push((variant, prev, frame.clone()));
        frame
    }

    /// Ready for the next message; keeps its room.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
    }
}
