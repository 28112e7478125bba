//! The shape of a network as a value: how wide each layer is, and its activation.

use crate::activation::Activation;

/// Most layers that a network may have: what a weights file has room for.
pub const MAX_LAYERS: usize = 16;

/// Most parameters that a network may have: 1 GB, which a 32-bit processor can still address.
pub const MAX_PARAMETERS: usize = 1 << 28;

/// One dense layer's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerShape {
    /// Inputs of each unit, at least 1.
    pub fan_in: usize,
    /// Units, at least 1.
    pub fan_out: usize,
    /// What the units do to their weighted input.
    pub activation: Activation,
}

impl LayerShape {
    /// Weights and biases together.
    pub const fn parameters(&self) -> usize {
        (self.fan_in + 1) * self.fan_out
    }
}

/// The layers of a network, first to last; at least one, at most [`MAX_LAYERS`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Architecture {
    layers: [LayerShape; MAX_LAYERS],
    depth: usize,
}

/// Why layers do not make a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ArchitectureError {
    /// No layer, or more than [`MAX_LAYERS`].
    Depth(usize),
    /// A layer without inputs or without units.
    Empty {
        /// Which layer, from 0.
        layer: usize,
    },
    /// More than [`MAX_PARAMETERS`].
    TooLarge {
        /// Which layer, from 0.
        layer: usize,
    },
    /// A layer that takes another number of inputs than the layer before it has units.
    Mismatch {
        /// Which layer, from 0.
        layer: usize,
        /// Its `fan_in`.
        fan_in: usize,
        /// The units of the layer before it.
        expected: usize,
    },
    /// Softmax before the last layer.
    HiddenSoftmax {
        /// Which layer, from 0.
        layer: usize,
    },
}

impl core::fmt::Display for ArchitectureError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Depth(depth) => {
                write!(
                    f,
                    "a network has 1 to {MAX_LAYERS} layers, this one has {depth}"
                )
            }
            Self::Empty { layer } => {
                write!(
                    f,
                    "layer {layer} has no inputs or no units: each needs at least 1"
                )
            }
            Self::TooLarge { layer } => {
                write!(
                    f,
                    "up to layer {layer} there are more than {MAX_PARAMETERS} parameters, the most that a network may have"
                )
            }
            Self::Mismatch {
                layer,
                fan_in,
                expected,
            } => write!(
                f,
                "layer {layer} takes {fan_in} inputs, but the layer before it has {expected} units"
            ),
            Self::HiddenSoftmax { layer } => {
                write!(
                    f,
                    "layer {layer} is hidden and has softmax, which is for the last layer"
                )
            }
        }
    }
}

impl core::error::Error for ArchitectureError {}

impl Architecture {
    /// The network made of `layers`.
    ///
    /// # Errors
    /// When the layers do not follow one another; see [`ArchitectureError`].
    pub const fn new(layers: &[LayerShape]) -> Result<Self, ArchitectureError> {
        if layers.is_empty() || layers.len() > MAX_LAYERS {
            return Err(ArchitectureError::Depth(layers.len()));
        }
        let mut copy = [layers[0]; MAX_LAYERS];
        let mut parameters = 0_u64;
        let mut layer = 0;
        while layer < layers.len() {
            let LayerShape {
                fan_in,
                fan_out,
                activation,
            } = layers[layer];
            if fan_in == 0 || fan_out == 0 {
                return Err(ArchitectureError::Empty { layer });
            }
            parameters = parameters.saturating_add(
                (fan_in as u64)
                    .saturating_add(1)
                    .saturating_mul(fan_out as u64),
            );
            if parameters > MAX_PARAMETERS as u64 {
                return Err(ArchitectureError::TooLarge { layer });
            }
            if layer > 0 && fan_in != layers[layer - 1].fan_out {
                let expected = layers[layer - 1].fan_out;
                return Err(ArchitectureError::Mismatch {
                    layer,
                    fan_in,
                    expected,
                });
            }
            if layer + 1 < layers.len() && matches!(activation, Activation::Softmax) {
                return Err(ArchitectureError::HiddenSoftmax { layer });
            }
            copy[layer] = layers[layer];
            layer += 1;
        }
        // Unused places are all alike, so that equal networks compare equal.
        while layer < MAX_LAYERS {
            copy[layer] = LayerShape {
                fan_in: 0,
                fan_out: 0,
                activation: Activation::Identity,
            };
            layer += 1;
        }
        Ok(Self {
            layers: copy,
            depth: layers.len(),
        })
    }

    /// The layers, first to last.
    pub const fn layers(&self) -> &[LayerShape] {
        self.layers.split_at(self.depth).0
    }

    /// Inputs of the first layer.
    pub const fn inputs(&self) -> usize {
        self.layers[0].fan_in
    }

    /// Outputs of the last layer.
    pub const fn classes(&self) -> usize {
        self.layers[self.depth - 1].fan_out
    }

    /// Weights and biases of all layers.
    pub const fn parameters(&self) -> usize {
        let mut sum = 0;
        let mut layer = 0;
        while layer < self.depth {
            sum += self.layers[layer].parameters();
            layer += 1;
        }
        sum
    }

    /// This network behind one more layer; for the types in [`network`](crate::network), whose
    /// widths already agree.
    pub(crate) const fn behind(self, first: LayerShape) -> Self {
        assert!(
            self.depth < MAX_LAYERS,
            "thumbnet: a network has at most 16 layers"
        );
        let mut layers = [first; MAX_LAYERS];
        let mut layer = 0;
        while layer < self.depth {
            layers[layer + 1] = self.layers[layer];
            layer += 1;
        }
        match Self::new(layers.split_at(self.depth + 1).0) {
            Ok(architecture) => architecture,
            Err(_) => panic!("thumbnet: these layers do not make a network"),
        }
    }

    /// A network of one layer.
    pub(crate) const fn single(layer: LayerShape) -> Self {
        match Self::new(&[layer]) {
            Ok(architecture) => architecture,
            Err(_) => panic!("thumbnet: a layer needs at least one input and one unit"),
        }
    }
}

/// As users write it: `784-100-10`.
impl core::fmt::Display for Architecture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.inputs())?;
        self.layers()
            .iter()
            .try_for_each(|layer| write!(f, "-{}", layer.fan_out))
    }
}

impl core::fmt::Debug for Architecture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.layers()).finish()
    }
}
