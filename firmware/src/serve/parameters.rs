//! The parameters of a network as the bytes of a weights file, a piece at a time.

use thumbnet::Network;

const FLOAT: usize = size_of::<f32>();

/// Copies bytes of the parameters, from byte `offset` on, to `bytes`; returns how many there were.
pub(super) fn read(network: &impl Network, offset: usize, bytes: &mut [u8]) -> usize {
    let mut copied = 0;
    let mut start = 0;
    network.for_each_layer(&mut |_, weights, biases| {
        for values in [weights, biases] {
            let end = start + values.len() * FLOAT;
            while copied < bytes.len() && (start..end).contains(&(offset + copied)) {
                let within = offset + copied - start;
                let value = values.get(within / FLOAT).copied().unwrap_or(0.0);
                let value = value.to_le_bytes();
                let piece = value.get(within % FLOAT..).unwrap_or_default();
                let room = bytes.get_mut(copied..).unwrap_or_default();
                for (byte, value) in room.iter_mut().zip(piece) {
                    *byte = *value;
                    copied += 1;
                }
            }
            start = end;
        }
    });
    copied
}

/// Sets parameter number `first` and those behind it to floats of four bytes each.
pub(super) fn write(network: &mut impl Network, first: usize, floats: &[[u8; FLOAT]]) {
    let mut rest = floats;
    let mut start = 0;
    network.for_each_layer_mut(&mut |_, weights, biases| {
        for values in [weights, biases] {
            let end = start + values.len();
            let next = first + floats.len() - rest.len();
            if (start..end).contains(&next) {
                let room = values.get_mut(next - start..).unwrap_or_default();
                let (piece, behind) = rest.split_at(rest.len().min(room.len()));
                for (value, float) in room.iter_mut().zip(piece) {
                    *value = f32::from_le_bytes(*float);
                }
                rest = behind;
            }
            start = end;
        }
    });
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;
    use thumbnet::Mlp;
    use thumbnet::optimizer::Zeroed;

    type Tiny = Mlp<3, 2, 2>;
    const PARAMETERS: usize = 3 * 2 + 2 + 2 * 2 + 2;

    #[test]
    fn bytes_and_floats_are_those_of_the_network() {
        let floats: Vec<[u8; 4]> = (0..PARAMETERS)
            .map(|value| (value as f32).to_le_bytes())
            .collect();
        for size in [1, 3, 5, PARAMETERS] {
            let mut network = Tiny::ZEROED;
            for (index, piece) in floats.chunks(size).enumerate() {
                write(&mut network, index * size, piece);
            }
            assert_eq!(network.first.weights[2], [4.0, 5.0]);
            assert_eq!(network.rest.biases, [12.0, 13.0]);
            for length in [1, 2, 7, 1_000] {
                let mut found = Vec::new();
                loop {
                    let mut bytes = std::vec![0; length];
                    let copied = read(&network, found.len(), &mut bytes);
                    found.extend_from_slice(&bytes[..copied]);
                    if copied == 0 {
                        break;
                    }
                }
                assert_eq!(found, floats.as_flattened(), "{size} {length}");
            }
        }
    }

    #[test]
    fn what_is_behind_the_end_is_nothing() {
        let mut network = Tiny::ZEROED;
        write(&mut network, PARAMETERS, &[[1; 4]]);
        assert_eq!(read(&network, PARAMETERS * 4, &mut [0; 9]), 0);
        assert_eq!(read(&network, PARAMETERS * 4 - 1, &mut [0; 9]), 1);
    }
}
