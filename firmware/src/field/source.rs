//! Where labelled samples come from: a stream, or a sensor and a button.

use embedded_hal::digital::InputPin;
use embedded_io::Read;

use crate::idx::{IdxError, Samples};

/// Labelled samples that arrive one by one.
pub trait Source<S> {
    /// Why there is none.
    type Error;

    /// Puts the next sample that has arrived into `sample` and returns its label; none if none has.
    ///
    /// # Errors
    /// The source's own.
    fn poll(&mut self, sample: &mut S) -> Result<Option<u8>, Self::Error>;
}

/// Images and labels from a serial line, a file, or whatever else is read.
impl<I: Read, L: Read, const PIXELS: usize, const CLASSES: usize> Source<[u8; PIXELS]>
    for Samples<I, L, PIXELS, CLASSES>
{
    type Error = IdxError;

    fn poll(&mut self, sample: &mut [u8; PIXELS]) -> Result<Option<u8>, IdxError> {
        self.next(sample)
    }
}

/// A sensor: what a network sees of the world.
pub trait Sensor<S> {
    /// Why it sees nothing.
    type Error;

    /// Puts what there is to see into `sample`; false if nothing new is.
    ///
    /// # Errors
    /// The sensor's own.
    fn sense(&mut self, sample: &mut S) -> Result<bool, Self::Error>;
}

/// A sensor with a button that gives the label: class 1 while it is pressed, which pulls the pin low,
/// as buttons on boards do, and class 0 while it is not.
#[derive(Debug)]
pub struct Held<T, B> {
    /// What is learnt from.
    pub sensor: T,
    /// Who teaches.
    pub button: B,
}

/// What failed of a [`Held`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldError<T, B> {
    /// The sensor.
    Sensor(T),
    /// The button's pin.
    Button(B),
}

impl<S, T: Sensor<S>, B: InputPin> Source<S> for Held<T, B> {
    type Error = HeldError<T::Error, B::Error>;

    fn poll(&mut self, sample: &mut S) -> Result<Option<u8>, Self::Error> {
        if !self.sensor.sense(sample).map_err(HeldError::Sensor)? {
            return Ok(None);
        }
        let pressed = self.button.is_low().map_err(HeldError::Button)?;
        Ok(Some(u8::from(pressed)))
    }
}
