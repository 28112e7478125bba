//! What a first layer accepts: floats, and grey images whose bytes mean value / 255.

use crate::kernel::Terms;
use crate::regularization::Mask;

/// The number of inputs or classes as a type, so that a wrong width is a compile error that shows
/// both numbers.
pub struct Width<const N: usize>;

/// Numbers in a row of which many may be zero.
pub trait Input {
    /// Pairs row `i` with input `i` and visits the pairs whose input is not exactly zero, in
    /// order. Rows beyond the last input, or inputs beyond the last row, are left out.
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, visit: impl FnMut(R, f32));

    /// Lists the inputs that are not exactly zero, in order.
    #[inline(always)]
    fn list_nonzero(&self, terms: &mut Terms) {
        self.for_each_nonzero(0.., |row, value| terms.push(row, value));
        terms.finish();
    }
}

/// An [`Input`] whose width the compiler knows.
pub trait FixedInput: Input {
    /// [`Width`]`<N>` for `N` inputs.
    type Width;
}

impl Input for [f32] {
    #[inline(always)]
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, mut visit: impl FnMut(R, f32)) {
        for (row, &value) in rows.zip(self) {
            if value != 0.0 {
                visit(row, value);
            }
        }
    }

    #[inline(always)]
    fn list_nonzero(&self, terms: &mut Terms) {
        terms.list_numbers(self);
    }
}

/// `PIXELS[v]` is `v / 255`, rounded once: a look-up costs less than a division everywhere, and
/// far less where floats are software.
pub(crate) static PIXELS: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut value = 0;
    while value < 256 {
        table[value] = value as f32 / 255.0;
        value += 1;
    }
    table
};

/// What byte `value` of an image means to a network: `value / 255`, in 0 ..= 1.
#[inline(always)]
pub fn pixel(value: u8) -> f32 {
    PIXELS[usize::from(value)]
}

/// Pixels: byte `v` means `v / 255`.
impl Input for [u8] {
    #[inline(always)]
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, mut visit: impl FnMut(R, f32)) {
        for (row, &value) in rows.zip(self) {
            if value != 0 {
                visit(row, pixel(value));
            }
        }
    }

    #[inline(always)]
    fn list_nonzero(&self, terms: &mut Terms) {
        terms.list_pixels(self);
    }
}

macro_rules! fixed_input {
    ($element:ty) => {
        impl<const N: usize> Input for [$element; N] {
            #[inline(always)]
            fn for_each_nonzero<R>(
                &self,
                rows: impl Iterator<Item = R>,
                visit: impl FnMut(R, f32),
            ) {
                self.as_slice().for_each_nonzero(rows, visit);
            }

            #[inline(always)]
            fn list_nonzero(&self, terms: &mut Terms) {
                self.as_slice().list_nonzero(terms);
            }
        }

        impl<const N: usize> FixedInput for [$element; N] {
            type Width = Width<N>;
        }
    };
}
fixed_input!(f32);
fixed_input!(u8);

impl<I: Input + ?Sized> Input for &I {
    #[inline(always)]
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, visit: impl FnMut(R, f32)) {
        (**self).for_each_nonzero(rows, visit);
    }

    #[inline(always)]
    fn list_nonzero(&self, terms: &mut Terms) {
        (**self).list_nonzero(terms);
    }
}

impl<I: FixedInput + ?Sized> FixedInput for &I {
    type Width = I::Width;
}

/// Another input with every value multiplied by `scale`: a layer's activations under inverted
/// dropout.
pub(crate) struct Scaled<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) scale: f32,
}

impl Input for Scaled<'_> {
    #[inline(always)]
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, mut visit: impl FnMut(R, f32)) {
        self.values
            .for_each_nonzero(rows, |row, value| visit(row, value * self.scale));
    }
}

/// What dropout leaves of another input: the kept values, multiplied by `scale`.
pub struct Masked<'a, X, M> {
    /// What it is taken from.
    pub input: &'a X,
    /// Which values are dropped.
    pub mask: M,
    /// What the others are multiplied by.
    pub scale: f32,
}

impl<X: Input, M: Mask> Input for Masked<'_, X, M> {
    #[inline(always)]
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, mut visit: impl FnMut(R, f32)) {
        self.input
            .for_each_nonzero(rows.enumerate(), |(index, row), value| {
                if !self.mask.drops(index) {
                    visit(row, value * self.scale);
                }
            });
    }
}
