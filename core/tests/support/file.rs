//! Weights files in memory, whole or changed on purpose.

use super::parameters;
use thumbnet::cost::Cost;
use thumbnet::format::{CRC_32, Header};
use thumbnet::prelude::*;

/// A whole file.
pub(crate) fn file_of<N: Network>(network: &N, cost: Cost) -> Vec<u8> {
    prepared_file_of(network, cost, Preparation::None)
}

pub(crate) fn prepared_file_of<N: Network>(
    network: &N,
    cost: Cost,
    preparation: Preparation,
) -> Vec<u8> {
    let header = Header {
        architecture: N::ARCHITECTURE,
        cost,
        preparation,
        weights_crc32: network.weights_crc32(),
    };
    let mut file = header.to_bytes().to_vec();
    file.extend(parameters(network).iter().flat_map(|p| p.to_le_bytes()));
    file
}

/// The file with other bytes at `at`, and a head that is consistent again.
pub(crate) fn with_bytes(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = CRC_32.checksum(&file[..252]);
    file[252..256].copy_from_slice(&crc.to_le_bytes());
    file
}

/// The file's bytes at an address that is `offset` beyond a multiple of four.
pub(crate) struct Placed {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Placed {
    pub(crate) fn new(file: &[u8], offset: usize) -> Self {
        let mut memory = vec![0; file.len() + 8];
        let start = memory.as_ptr().align_offset(4) + offset;
        memory[start..start + file.len()].copy_from_slice(file);
        Self {
            memory,
            start,
            length: file.len(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}
