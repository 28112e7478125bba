//! How values stand in TOML that serde has no derived form for: names, lists of one, large seeds.

/// A value by its name.
pub(super) mod name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::recipe::values::{Named, by_name};

    pub(in crate::recipe) fn serialize<T: Named, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.name())
    }

    pub(in crate::recipe) fn deserialize<'de, T: Named, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        by_name(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A value by its name, if it is there.
pub(super) mod optional_name {
    use serde::{Deserializer, Serializer};

    use crate::recipe::values::Named;

    pub(in crate::recipe) fn serialize<T: Named, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::name::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::recipe) fn deserialize<'de, T: Named, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        super::name::deserialize(deserializer).map(Some)
    }
}

/// What one types after `--data`.
pub(super) mod data {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::data::DataChoice;

    pub(in crate::recipe) fn serialize<S: Serializer>(
        choice: &DataChoice,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(choice)
    }

    pub(in crate::recipe) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DataChoice, D::Error> {
        // Whatever is no name is a folder.
        Ok(match String::deserialize(deserializer)?.parse() {
            Ok(choice) => choice,
            Err(never) => match never {},
        })
    }

    pub(in crate::recipe) fn is_default(choice: &DataChoice) -> bool {
        *choice == DataChoice::Default
    }
}

/// A number, or a list of them.
pub(super) mod one_or_more {
    use std::fmt;

    use serde::de::{Deserializer, SeqAccess, Visitor};
    use serde::{Serialize, Serializer};

    pub(in crate::recipe) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match values {
            [value] => serializer.serialize_f64(*value),
            values => values.serialize(serializer),
        }
    }

    pub(in crate::recipe) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        struct Numbers;

        impl<'de> Visitor<'de> for Numbers {
            type Value = Vec<f64>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a list of numbers")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Vec<f64>, E> {
                Ok(vec![value])
            }

            fn visit_i64<E>(self, value: i64) -> Result<Vec<f64>, E> {
                Ok(vec![value as f64])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<f64>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(values)
            }
        }

        deserializer.deserialize_any(Numbers)
    }
}

/// A seed: TOML's integers have 63 bits, so a larger one is a string.
pub(super) mod seed {
    use std::fmt;

    use serde::Serializer;
    use serde::de::{Deserializer, Error, Visitor};

    pub(in crate::recipe) fn serialize<S: Serializer>(
        seed: &u64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match i64::try_from(*seed) {
            Ok(seed) => serializer.serialize_i64(seed),
            Err(_) => serializer.collect_str(seed),
        }
    }

    pub(in crate::recipe) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u64, D::Error> {
        struct Seed;

        impl Visitor<'_> for Seed {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0, in quotes if it is above 9223372036854775807")
            }

            fn visit_i64<E: Error>(self, seed: i64) -> Result<u64, E> {
                u64::try_from(seed)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(seed), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
                text.parse()
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Seed)
    }
}
