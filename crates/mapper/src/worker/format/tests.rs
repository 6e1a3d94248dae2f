use super::*;

/// Formats, and checks that formatting again changes nothing.
fn formatted(text: &str) -> String {
    let once = format(text);
    assert_eq!(format(&once), once, "not stable");
    once
}

#[test]
fn spaces_indentation_quotes_and_commas_become_one_way() {
    let text = r#"local claims=std.extVar("claims");
# Only members.
local isMember = !( 'acct' in claims )||claims.acct==-1;



{identity:{
    traits:{
      email:claims.email,  // The address.
      [if "given_name" in claims then 'first']: claims.given_name
    },
  metadata_public+:{roles:[ 1,2, ],slice::'abc'[1:2],f(x,y = 2)::std.join( ',' ,x)}
  }}"#;
    let expected = r"local claims = std.extVar('claims');
// Only members.
local isMember = !('acct' in claims) || claims.acct == -1;

{ identity: {
  traits: {
    email: claims.email,  // The address.
    [if 'given_name' in claims then 'first']: claims.given_name,
  },
  metadata_public+: { roles: [1, 2], slice:: 'abc'[1:2], f(x, y=2):: std.join(',', x) },
} }
";
    assert_eq!(formatted(text), expected);
}

#[test]
fn values_on_lines_of_their_own_are_indented() {
    let text = "local a =\nif x then\n1\nelse if y then\n2\nelse\n[\nz for z in w\nif z>1\n];\nassert a>1:'no';\nlocal b = 1,\nc = 2;\na\n+ b";
    let expected = "local a =\n  if x then\n    1\n  else if y then\n    2\n  else\n    [\n      z for z in w\n      if z > 1\n    ];\nassert a > 1 : 'no';\nlocal b = 1,\n      c = 2;\na\n  + b\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn text_blocks_comments_and_escapes_stay_as_they_are() {
    let text = "#!/usr/bin/env jsonnet\n/* one\n   two */\n{\n  a: |||\n    block\n      more\n  |||,\n  b: \"it's \\\"x\\\"\",\n  // last\n}\n";
    assert_eq!(formatted(text), text);
}

#[test]
fn empty_brackets_hold_nothing() {
    assert_eq!(formatted("{ a : [\n\n] , b:{ }, c: f( ) }"), "{ a: [], b: {}, c: f() }\n");
}
