//! `thumbnet recipes`: which recipes there are, and the file of each.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::output::print;
use crate::recipe::{Recipe, built_in};

/// Arguments of `thumbnet recipes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct RecipesArgs {
    /// Print the file of this recipe, to change and give to --recipe [default: list all]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

const AFTER_HELP: &str = "\
Example: a recipe of one's own
  thumbnet recipes book-100 > mine.toml
  thumbnet train --recipe mine.toml";

/// Lists all recipes, or prints one.
///
/// # Errors
///
/// There is no recipe of that name; stdout cannot be written.
pub fn run(args: &RecipesArgs) -> Result<()> {
    if let Some(name) = &args.name {
        // It says which names there are.
        Recipe::built_in(name).context("NAME")?;
        return print(built_in::text(name).unwrap_or_default());
    }
    let mut text = String::new();
    for (name, _) in built_in::ALL {
        let recipe = Recipe::built_in(name)?;
        let title = console::style(format!("{name:<9}")).bold();
        let _ = writeln!(text, "{title} {}", recipe.summary);
        let _ = writeln!(text, "          reaches {}", recipe.reaches);
    }
    text += "\n`thumbnet recipes NAME` prints a recipe's file, `thumbnet train --recipe NAME` trains \
             with it.\n";
    print(&text)
}
