//! The network that programs carry in flash.

use thumbnet::format;
use thumbnet::prelude::*;

// What the build script makes of what the weights file says: `Model`, its cost and its sizes, and
// how it is trained.
include!(concat!(env!("OUT_DIR"), "/network.rs"));

/// Read-only data: it stays in flash.
///
/// Which file it is, the build script says: the one in `THUMBNET_MODEL`, as `thumbnet export
/// --format device` writes it, or else the repository's own, of which `firmware/models/README.md`
/// says where it comes from.
pub static MODEL: Model = include_model!(Model, env!("THUMBNET_CHOSEN_MODEL"), PREPARATION);

/// What the file says is to be done to images, whatever that is: programs do it.
pub const PREPARATION: Preparation =
    match format::read_header(include_bytes!(env!("THUMBNET_CHOSEN_MODEL"))) {
        Ok(header) => header.preparation,
        Err(_) => Preparation::None,
    };
