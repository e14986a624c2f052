//! Links `src/entropy.c` into the program, in front of the C library.

fn main() {
    println!("cargo:rerun-if-changed=src/entropy.c");
    for object in cc::Build::new().file("src/entropy.c").compile_intermediates() {
        println!("cargo:rustc-link-arg-bins={}", object.display());
    }
    for symbol in ["getrandom", "clock_gettime"] {
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol={symbol}");
    }
}
