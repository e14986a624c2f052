//! The configuration as a documented file.

use super::sections::{Config, SECTIONS};

/// A file with every key, its documentation and its default. Keys without a default are commented
/// out.
///
/// # Panics
/// Never: the defaults are TOML.
pub fn example() -> String {
    let defaults = toml::Table::try_from(Config::default()).expect("the defaults are TOML");
    let mut text = String::from(
        "# Configuration of the game session service: every key with its default.\n\
         # GSS_SECTION__KEY of the environment overrides a key, a flag overrides both.\n",
    );
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, section.about);
        text.push_str(&format!("[{}]\n", section.name));
        for key in section.keys {
            comment(&mut text, key.about);
            let value = defaults.get(section.name).and_then(|table| table.get(key.name));
            match value {
                Some(value) => text.push_str(&format!("{} = {value}\n", key.name)),
                None => text.push_str(&format!("#{} =\n", key.name)),
            }
        }
    }
    text
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(&format!("# {}\n", line.trim()));
    }
}
