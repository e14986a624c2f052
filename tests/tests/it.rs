//! Attacks on a real cluster. Short by default; `GSS_TEST_LONG=1` (`cargo xtask test --long`) plays
//! the full lengths. Every test asserts over whole histories of all clients.

mod it {
    mod audience;
    mod characters;
    mod connections;
    mod fight;
    mod linear;
    mod network;
    mod owner;
    mod play;
    mod router;
    mod servers;
    mod third_party;
}
