//! Links: framing, handshake, encryption.
