//! What a component may say of itself.

use super::*;

fn said(schema: String, roles: usize, kinds: usize) -> Result<Description, String> {
    said_of_levels((schema, roles, kinds), 0)
}

fn said_of_levels(
    (schema, roles, kinds): (String, usize, usize),
    depth: u16,
) -> Result<Description, String> {
    let want = wit::Want {
        role: "r".into(),
        kinds: vec![1; kinds],
        depth,
        bar_interval: 0,
        bar_history: 0,
        trades: false,
    };
    description(wit::Description {
        name: "n".into(),
        version: "1".into(),
        contract: "0.1.0".into(),
        state_version: 1,
        oldest_readable_state: 1,
        parameters: schema,
        capabilities: Vec::new(),
        wants: vec![want; roles],
    })
}

/// A strategy that is given more levels than it asked for would take the depth for its own.
#[test]
fn levels_that_would_not_be_cut_are_not_accepted() {
    let wants = |depth| said_of_levels(("{}".into(), 1, 1), depth).map(drop);
    assert_eq!(wants(0), Ok(()));
    let why = wants(5).unwrap_err();
    assert!(
        why.contains("role r asks for 5 levels of the book") && why.contains("ask for 0"),
        "{why}"
    );
}

#[test]
fn what_a_component_may_say_of_itself_is_bounded() {
    assert!(said("{}".into(), ROLES, KINDS).is_ok());
    assert!(said("{}".into(), ROLES + 1, 0).unwrap_err().contains("257 roles"));
    assert!(said("{}".into(), 1, KINDS + 1).unwrap_err().contains("65 kinds"));
    // sixteen megabytes of brackets would be gigabytes of values
    let brackets = format!("[{}[]]", "[],".repeat(SCHEMA_BYTES / 3));
    assert!(said(brackets, 1, 0).unwrap_err().contains("bytes of parameter schema"));
}
