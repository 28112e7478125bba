//! Recipes from and to TOML, and where in a file something is wrong.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use toml::de::DeTable;
use toml::{Table, Value};

use super::Recipe;
use crate::run::record::Record;

/// The table of a run's record that its recipe is in.
const IN_RECORD: &str = "recipe";

impl Recipe {
    /// Reads a recipe, or the one in a run's `run.toml`, from the file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not TOML, or has a key or a value that no recipe has; says
    /// in which line.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the recipe {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let recipe = Self::from_toml(&text, &path.display().to_string(), &name)?;
        Ok(Self {
            file: Some(path.to_owned()),
            ..recipe
        })
    }

    /// Reads a recipe from the `text` of the file `file`; it is called `name` if it does not say.
    ///
    /// # Errors
    ///
    /// As with [`load`](Self::load).
    pub fn from_toml(text: &str, file: &str, name: &str) -> Result<Self> {
        let of_a_run = DeTable::parse(text).is_ok_and(|table| {
            let tables = table.get_ref().get(IN_RECORD);
            tables.is_some_and(|value| value.get_ref().is_table())
        });
        let mut recipe: Self = if of_a_run {
            read::<Record>(text, file)?.recipe
        } else {
            read(text, file)?
        };
        if recipe.name.is_empty() {
            name.clone_into(&mut recipe.name);
        }
        recipe.check().map_err(|fault| {
            let place = match line_of(text, fault.key) {
                Some(line) => format!("{file}, line {line}: "),
                None => format!("{file}: "),
            };
            anyhow!("{place}{fault}")
        })?;
        Ok(recipe)
    }

    /// The keys whose values differ from those of `other`, with this recipe's values as one would
    /// type them.
    ///
    /// # Errors
    ///
    /// When TOML has no way to say it, which no recipe gives reason for.
    pub fn differences(&self, other: &Self) -> Result<Vec<(String, String)>> {
        let (own, other) = (Table::try_from(self)?, Table::try_from(other)?);
        let changed = own
            .iter()
            .filter(|(key, value)| other.get(*key) != Some(value));
        Ok(changed
            .map(|(key, value)| (key.clone(), typed(value)))
            .collect())
    }
}

/// A value as one types it behind a flag.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => number.to_string(),
        Value::Array(values) => values.iter().map(typed).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Reads TOML; errors say where they are.
///
/// # Errors
///
/// When `text` is not what `T` is written as.
pub fn read<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        let message = sentence(error.message());
        match key_at(text, at) {
            Some(key) if !message.starts_with(MISSING) => {
                anyhow!("{file}, line {line}: {key}: {message}")
            }
            _ => anyhow!("{file}, line {line}: {message}"),
        }
    })
}

/// How the sentence begins that there is no place for.
const MISSING: &str = "expected the key ";

/// What serde says, with what was expected before what was found, as all messages have it.
fn sentence(message: &str) -> String {
    let wrong = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split_once(", expected "));
    if let Some((found, expected)) = wrong {
        let expected = match expected {
            "f64" => "a number",
            "usize" => "a whole number from 0",
            "a sequence" => "a list in brackets",
            other => other,
        };
        return format!("expected {expected}, found {found}");
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("{MISSING}{field}, found none");
    }
    // serde says which keys there are, too.
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let found = rest.split('`').next().unwrap_or(rest);
        let advice = match found {
            "model" => "write hidden = [100] for --model 784-100-10",
            _ => {
                "`thumbnet train --help` lists most of them, with dashes; the others are hidden, \
                  name, summary and reaches"
            }
        };
        return format!("expected a key of a recipe, found {found:?}: {advice}");
    }
    message.to_owned()
}

/// The key that the byte `at` belongs to, itself or its value.
fn key_at(text: &str, at: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let table = table.get_ref();
    let inner = table
        .values()
        .filter_map(|value| value.get_ref().as_table());
    let keys = inner.chain([table]).flat_map(|table| table.keys());
    keys.filter(|key| key.span().start <= at)
        .max_by_key(|key| key.span().start)
        .map(|key| key.get_ref().to_string())
}

/// The line, counted from 1, that gives a recipe's `key` its value.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let table = table.get_ref();
    let in_record = table
        .get(IN_RECORD)
        .and_then(|value| value.get_ref().as_table());
    let mut keys = in_record.unwrap_or(table).keys();
    let start = keys.find(|found| found.get_ref() == key)?.span().start;
    Some(text[..start].matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Recipe::from_toml(text, "mine.toml", "mine")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (name, _) in crate::recipe::built_in::ALL {
            let recipe = Recipe::built_in(name).unwrap();
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(Recipe::from_toml(&text, "", "").unwrap(), recipe, "{text}");
        }
        let odd = Recipe {
            name: "odd".to_owned(),
            dropout: vec![0.1, 0.2 + 0.1],
            hidden: vec![3, 4],
            seed: u64::MAX,
            learning_rate: 1e-30,
            train_samples: Some(9),
            ..Recipe::default()
        };
        let text = toml::to_string(&odd).unwrap();
        assert_eq!(Recipe::from_toml(&text, "", "").unwrap(), odd, "{text}");
    }

    #[test]
    fn what_is_left_out_is_off() {
        let recipe = Recipe::from_toml("dropout = 0\nlearning_rate = 1", "f", "mine").unwrap();
        let expected = Recipe {
            name: "mine".to_owned(),
            learning_rate: 1.0,
            ..Recipe::default()
        };
        assert_eq!(recipe, expected);
    }

    #[test]
    fn errors_say_where_and_what() {
        for (text, expected) in [
            (
                "summary = \"s\"\nlearning_rate = \"fast\"",
                "mine.toml, line 2: learning_rate: expected a number, found string \"fast\"",
            ),
            (
                "\nlearning_rate = -1",
                "mine.toml, line 2: learning_rate: expected a finite number above 0, found -1",
            ),
            (
                "hidden = [30,\n\n  -5]",
                "mine.toml, line 3: hidden: expected a whole number from 0, found integer `-5`",
            ),
            (
                "hidden = 30",
                "mine.toml, line 1: hidden: expected a list in brackets, found integer `30`",
            ),
            (
                "activation = \"tan\"",
                "mine.toml, line 1: activation: expected sigmoid, tanh, relu, identity or softmax, found \
                 \"tan\"",
            ),
            (
                "schedule = \"step\"",
                "mine.toml, line 1: schedule: expected constant, cosine or one-cycle, found \
                 \"step\"",
            ),
            (
                "epochs = 3\nrate = 1",
                "mine.toml, line 2: rate: expected a key of a recipe, found \"rate\": `thumbnet \
                 train --help` lists most of them, with dashes; the others are hidden, name,",
            ),
            (
                "model = \"784-30-10\"",
                "mine.toml, line 1: model: expected a key of a recipe, found \"model\": write hidden = \
                 [100] for --model 784-100-10",
            ),
            (
                "dropout = \"half\"",
                "mine.toml, line 1: dropout: expected a number or a list of numbers, found string \
                 \"half\"",
            ),
            (
                "seed = -1",
                "mine.toml, line 1: seed: expected a whole number from 0, in quotes if it is above \
                 9223372036854775807, found integer `-1`",
            ),
            ("epochs = ", "mine.toml, line 1: "),
            ("epochs = 1\nepochs = 2", "mine.toml, line 2: "),
            // The record of a run, where other tables have keys of the same name.
            (
                "command = \"\"\n[recipe]\nepochs = 0\n[program]\n",
                "mine.toml, line 4: expected the key `version`, found none",
            ),
        ] {
            let found = fault(text);
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }
}
