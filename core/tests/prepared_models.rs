//! Weights files of networks for prepared images: what they say, and who gets the network.

mod support;

use std::path::Path;

use support::file::{Placed, prepared_file_of, with_bytes};
use support::{bits, random_network};
use thumbnet::cost::Cost;
use thumbnet::format::{FormatError, read, read_header, read_in_place};
use thumbnet::prelude::*;
use thumbnet::preparation::Size;

const DESKEW: Preparation = Preparation::Deskew(Size::of::<3, 3>());

/// Nine inputs.
type Tiny = Mlp<9, 2, 2>;

#[test]
fn a_preparation_is_where_the_table_says_and_read_back() {
    let network = random_network::<Tiny>(4);
    let (from, to) = (Size::of::<1000, 7>(), Size::of::<3, 3>());
    for (preparation, bytes) in [
        (Preparation::None, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (DESKEW, [1, 0, 3, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
        (
            Preparation::Scale { from, to },
            [2, 0, 0xE8, 3, 7, 0, 3, 0, 3, 0, 0, 0],
        ),
        (
            Preparation::DeskewAndScale { from, to },
            [3, 0, 0xE8, 3, 7, 0, 3, 0, 3, 0, 0, 0],
        ),
    ] {
        let file = prepared_file_of(&network, Cost::CrossEntropy, preparation);
        assert_eq!(file[20..32], bytes, "{preparation}");
        let (header, _) = read(&file).expect("a whole file");
        assert_eq!(header.preparation, preparation);
        assert_eq!(read_header(&file), Ok(header));

        // Only who names it gets the network.
        let placed = Placed::new(&file, 0);
        for expected in [Preparation::None, DESKEW, Preparation::Scale { from, to }] {
            let found = read_in_place::<Tiny>(placed.bytes(), expected).err();
            let refused = FormatError::OtherPreparation {
                expected,
                found: preparation,
            };
            let wrong = expected != preparation;
            assert_eq!(found, wrong.then_some(refused), "{preparation}");
        }
    }
}

#[test]
fn a_preparation_that_makes_no_sense_is_named() {
    let file = prepared_file_of(&random_network::<Tiny>(4), Cost::CrossEntropy, DESKEW);
    let error_of = |at: usize, bytes: &[u8]| read(&with_bytes(file.clone(), at, bytes)).err();
    let size = Some(FormatError::ImageSize { inputs: 9 });
    let reserved = |offset| Some(FormatError::Reserved { offset });
    assert_eq!(
        error_of(20, &[4]),
        Some(FormatError::Preparation { found: 4 })
    );
    assert_eq!(error_of(20, &[0]), reserved(22), "sizes of no images");
    assert_eq!(error_of(20, &[2]), size, "no size to scale to");
    assert_eq!(error_of(20, &[3]), size, "no size to scale to");
    assert_eq!(error_of(22, &[0, 0]), size, "no columns");
    assert_eq!(error_of(24, &[1, 4]), size, "1025 rows");
    assert_eq!(error_of(22, &[4]), size, "12 pixels for 9 inputs");
    assert_eq!(error_of(26, &[3, 0, 3, 0]), reserved(26), "not scaled");
    for at in [21, 26, 30, 31] {
        assert_eq!(error_of(at, &[1]), reserved(at));
    }
}

static TINY: Tiny = include_model!(Tiny, "data/deskewed.thumbnet", DESKEW);

/// Not trained: the documentation shows it, and refuses to include it without its preparation.
fn deskewed_file() -> Vec<u8> {
    prepared_file_of(&random_network::<Tiny>(7), Cost::CrossEntropy, DESKEW)
}

#[test]
fn a_model_for_prepared_images_is_included_by_who_names_them() {
    assert!(deskewed_file() == include_bytes!("data/deskewed.thumbnet"));
    assert_eq!(bits(&TINY), bits(&random_network::<Tiny>(7)));
}

#[test]
#[ignore = "writes tests/data/deskewed.thumbnet: only when an issue asks for other bits"]
fn write_the_model_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/deskewed.thumbnet");
    std::fs::write(path, deskewed_file()).expect("tests/data can be written");
}
