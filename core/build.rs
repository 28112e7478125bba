//! Tells kernels whether a Cortex-M has a floating-point unit, and if not, which instructions it
//! has: only the target's name says so on stable Rust.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(float_unit)");
    println!("cargo::rustc-check-cfg=cfg(software_floats, values(none(), \"armv6m\", \"armv7m\"))");

    let target = env::var("TARGET").expect("cargo sets TARGET");
    let instructions = match target.as_str() {
        // Cortex-M0, M0+, M1; M23.
        "thumbv6m-none-eabi" | "thumbv8m.base-none-eabi" => "armv6m",
        // Cortex-M3; M4 and M7 without their unit; M33 without.
        "thumbv7m-none-eabi" | "thumbv7em-none-eabi" | "thumbv8m.main-none-eabi" => "armv7m",
        // Cortex-M4F and M7; M33.
        "thumbv7em-none-eabihf" | "thumbv8m.main-none-eabihf" => {
            println!("cargo::rustc-cfg=float_unit");
            return;
        }
        _ => return,
    };
    println!("cargo::rustc-cfg=software_floats");
    println!("cargo::rustc-cfg=software_floats=\"{instructions}\"");
}
