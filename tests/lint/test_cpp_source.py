"""What counts as code: comments and literals are blanked, places stay."""

import unittest

from cpp_source import Source


class Blanking(unittest.TestCase):
    def check(self, text, bare, code=None):
        source = Source(text)
        self.assertEqual(source.bare.split(), bare.split())
        self.assertEqual(source.code.split(), (bare if code is None else code).split())
        for blanked in (source.bare, source.code):
            self.assertEqual(len(blanked), len(text))
            self.assertEqual([i for i, c in enumerate(blanked) if c == "\n"], [i for i, c in enumerate(text) if c == "\n"])

    def test_comments(self):
        self.check("a // double\nb", "a b")
        self.check("a /* double\n // */ b", "a b")
        self.check("a // goes on \\\n double\nb", "a b")
        self.check("a /* never closed", "a")

    def test_literals(self):
        self.check('f("double // no comment", 1)', "f( , 1)", 'f("double // no comment", 1)')
        self.check(r'f("a \" double", b)', "f( , b)", r'f("a \" double", b)')
        self.check(r"f('\'', '\"', double_)", "f( , , double_)", r"f('\'', '\"', double_)")
        self.check('f(R"(a " // double\n)", b)', "f( , b)", 'f(R"(a " // double\n)", b)')
        self.check('f(u8R"x(a )" b)x", c)', "f( , c)", 'f(u8R"x(a )" b)x", c)')

    def test_digit_separators_open_no_literal(self):
        self.check("f(1'000'000, double_, 0x1'ff)", "f(1'000'000, double_, 0x1'ff)")

    def test_a_quote_in_a_comment_opens_no_literal(self):
        self.check("a; // don't\ndouble b; // won't", "a; double b;")

    def test_comments_are_known_by_line(self):
        source = Source("a;\n/* one\n two */ b;\n// three\n")
        self.assertEqual(source.comments, {2: "/* one", 3: " two */", 4: "// three"})
        self.assertEqual([source.is_comment_only(n) for n in (1, 2, 3, 4, 5)], [False, True, False, True, False])


if __name__ == "__main__":
    unittest.main()
