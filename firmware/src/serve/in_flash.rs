//! Checkpoints of a server in flash: of whichever optimiser is at work, with its configuration.

use embedded_storage::nor_flash::NorFlash;
use thumbnet::Network;
use thumbnet_protocol::config::Optimizers;
use thumbnet_protocol::{Config, Refusal};

use super::checkpoints::Checkpoints;
use crate::checkpoint::{Content, Store, pieces_of_network, signature};

/// Room for a configuration and a number of steps, as postcard writes them.
const NOTES: usize = 128;

/// Optimisers of which one is at work, with what it keeps.
pub trait Saved {
    /// Which of them it is.
    fn kind(&self) -> Optimizers;

    /// Begins anew with the first of them that `is` the one; false, and no change, if none is.
    fn select(&mut self, is: impl Fn(Optimizers) -> bool) -> bool;

    /// Visits what the one at work keeps.
    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8]));
}

/// A [`Store`] for a server.
#[derive(Debug)]
pub struct InFlash<F>(Store<F>);

impl<F: NorFlash> InFlash<F> {
    /// Checkpoints of this network with these methods, in a store that has nothing else in it.
    pub fn new<N, M>(store: Store<F>) -> Self {
        let most = size_of::<N>() + size_of::<M>() + NOTES;
        Self(store.with_room_for(most as u32))
    }
}

/// All that a server goes on from.
struct Served<'a, N, M> {
    network: &'a mut N,
    methods: &'a mut M,
    notes: [u8; NOTES],
}

fn signature_of<N: Network>(kind: Optimizers) -> u32 {
    signature::<N>(&[b"serve", &[kind.0]])
}

impl<N: Network, M: Saved> Content for Served<'_, N, M> {
    fn signature(&mut self) -> u32 {
        signature_of::<N>(self.methods.kind())
    }

    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
        visit(&mut self.notes);
        pieces_of_network(self.network, visit);
        self.methods.for_each_piece(visit);
    }
}

impl<N: Network, M: Saved, F: NorFlash> Checkpoints<N, M> for InFlash<F> {
    const KEPT: bool = true;

    fn save(
        &mut self,
        network: &mut N,
        methods: &mut M,
        config: Option<&Config>,
        steps: u32,
    ) -> Result<(), Refusal> {
        let mut notes = [0; NOTES];
        postcard::to_slice(&(config, steps), &mut notes).map_err(|_| Refusal::Flash)?;
        let mut served = Served {
            network,
            methods,
            notes,
        };
        let saved = self.0.save(&mut served);
        saved.map(|_| ()).map_err(|_| Refusal::Flash)
    }

    fn restore(
        &mut self,
        network: &mut N,
        methods: &mut M,
    ) -> Result<(Option<Config>, u32), Refusal> {
        let newest = self.0.newest_signature().map_err(|_| Refusal::Flash)?;
        let newest = newest.ok_or(Refusal::NoCheckpoint)?;
        if !methods.select(|kind| signature_of::<N>(kind) == newest) {
            return Err(Refusal::NoCheckpoint);
        }
        let mut served = Served {
            network,
            methods,
            notes: [0; NOTES],
        };
        let loaded = self.0.load(&mut served).map_err(|_| Refusal::Flash)?;
        loaded.sequence.ok_or(Refusal::NoCheckpoint)?;
        postcard::from_bytes(&served.notes).map_err(|_| Refusal::Flash)
    }

    fn erase(&mut self) -> Result<(), Refusal> {
        self.0.clear().map_err(|_| Refusal::Flash)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::checkpoints::Checkpoints;
    use super::super::methods::{Every, Methods};
    use super::*;
    use crate::checkpoint::RamFlash;
    use std::boxed::Box;
    use thumbnet::Mlp;
    use thumbnet::optimizer::Zeroed;
    use thumbnet::prelude::*;
    use thumbnet_protocol::config::{Cost, Optimizer, WeightDecay};
    use thumbnet_protocol::steps::StepHead;

    type Small = Mlp<12, 5, 3>;
    type Flash = RamFlash<4, 1024, 16_384>;

    const ADAM: Config = Config {
        cost: Cost::CrossEntropy,
        optimizer: Optimizer::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1.0e-8,
        },
        clip_norm: Some(0.5),
        weight_decay: WeightDecay::None,
        dropout: None,
    };
    const SGD: Config = Config {
        optimizer: Optimizer::Sgd,
        clip_norm: None,
        ..ADAM
    };

    struct Room {
        network: Small,
        methods: Every<Small, 2>,
    }

    impl Room {
        fn new() -> Box<Self> {
            let mut room = Box::new(Self {
                network: Small::ZEROED,
                methods: Every::ZEROED,
            });
            room.network
                .init_weights(&mut XorShiftRng::seed_from_u64(3));
            room
        }

        /// Ten steps, and the weights' checksum after them.
        fn train(&mut self, config: &Config) -> u32 {
            for step in 0..10 {
                let head = StepHead {
                    samples: 2,
                    learning_rate: 0.05,
                    key: None,
                };
                let images = [[step * 20; 12], [250 - step; 12]];
                let Self { network, methods } = self;
                let cost = methods.step(network, config, &head, &images, &[0, 2]);
                assert!(cost.is_ok(), "{cost:?}");
            }
            self.network.weights_crc32()
        }
    }

    #[test]
    fn training_goes_on_with_the_same_bits_whichever_optimiser_it_was() {
        let store = Store::new(Flash::ZEROED, 0..16_384).unwrap();
        let mut in_flash = InFlash::new::<Small, Every<Small, 2>>(store);
        let restore = |in_flash: &mut InFlash<Flash>, room: &mut Room| {
            in_flash.restore(&mut room.network, &mut room.methods)
        };
        let untouched = Room::new().network.weights_crc32();

        let mut room = Room::new();
        assert_eq!(
            restore(&mut in_flash, &mut room),
            Err(Refusal::NoCheckpoint)
        );
        for (config, steps) in [(ADAM, 10), (SGD, 20), (ADAM, 30)] {
            Methods::<_, 12>::begin(&mut room.methods, &config).unwrap();
            let saved_at = room.train(&config);
            let Room { network, methods } = &mut *room;
            let saved = in_flash.save(network, methods, Some(&config), steps);
            assert_eq!(saved, Ok(()));
            assert_eq!(room.network.weights_crc32(), saved_at);
            let expected = room.train(&config);

            let mut other = Room::new();
            assert_eq!(
                restore(&mut in_flash, &mut other),
                Ok((Some(config), steps))
            );
            assert_eq!(other.network.weights_crc32(), saved_at);
            assert_eq!(other.train(&config), expected);
        }

        // Of another network there is none.
        let mut other = Mlp::<12, 4, 3>::ZEROED;
        let mut methods = Every::<Mlp<12, 4, 3>, 2>::ZEROED;
        let restored = in_flash.restore(&mut other, &mut methods);
        assert_eq!(restored, Err(Refusal::NoCheckpoint));

        let erased = Checkpoints::<Small, Every<Small, 2>>::erase(&mut in_flash);
        assert_eq!(erased, Ok(()));
        let mut other = Room::new();
        assert_eq!(
            restore(&mut in_flash, &mut other),
            Err(Refusal::NoCheckpoint)
        );
        assert_eq!(other.network.weights_crc32(), untouched);
    }
}
