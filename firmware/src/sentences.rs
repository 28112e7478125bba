//! One wording for two readers: `Display` on a desktop, `defmt::Format` on a board.

/// Implements `Display`, and `defmt::Format` with the `defmt` feature, from one list of sentences.
///
/// A board that formatted through `Display` would carry `core::fmt` in its flash; with defmt the
/// sentences stay on the desktop and a board sends only their numbers.
macro_rules! sentences {
    ($type:ident { $($pattern:pat => $text:literal $(, $value:expr)*;)+ }) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match *self {
                    $($pattern => core::write!(formatter, $text $(, $value)*),)+
                }
            }
        }

        #[cfg(feature = "defmt")]
        impl defmt::Format for $type {
            fn format(&self, formatter: defmt::Formatter<'_>) {
                match *self {
                    $($pattern => defmt::write!(formatter, $text $(, $value)*),)+
                }
            }
        }
    };
}
