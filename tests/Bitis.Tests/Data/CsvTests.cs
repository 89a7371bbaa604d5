using Bitis.Data.Sources.Labels;

namespace Bitis.Tests.Data;

/// <summary>Comma-separated values, and the numbers in them.</summary>
public sealed class CsvTests
{
    [Fact]
    public void Quotes_commas_and_line_ends_follow_the_standard()
    {
        List<CsvRow> rows = Csv.Parse("a,\"b \"\"x\"\", y\"\r\n\n\"two\nlines\",\nlast", "t.csv", 9);
        Assert.Equal(["a", "b \"x\", y"], rows[0].Fields);
        Assert.Equal(["two\nlines", ""], rows[1].Fields);
        Assert.Equal(["last"], rows[2].Fields);
        Assert.Equal([1, 3, 5], rows.Select(row => row.Line));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("\n\r\n\n", 0)]
    [InlineData("\"\"", 1)] // a row of one empty value
    [InlineData("a\rb", 2)] // the line end of old Macs
    [InlineData("a,b,", 1)]
    public void Rows_are_counted(string text, int rows) => Assert.Equal(rows, Csv.Parse(text, "t.csv", 9).Count);

    [Theory]
    [InlineData("a\n\"b\nc", "t.csv: line 2: the quote is never closed.")]
    [InlineData("\"a\"b", "t.csv: line 1: a comma or the line's end was expected after the closing quote, not 'b'.")]
    [InlineData("1\n2\n3\n4", "t.csv: line 4: more rows than the 3")]
    public void What_does_not_follow_it_is_refused_with_its_line(string text, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<BitisException>(() => Csv.Parse(text, "t.csv", maxRows: 3)).Message);

    [Fact]
    public void Columns_are_bounded()
    {
        string widest = new(',', Csv.MaxColumns - 1);
        Assert.Equal(Csv.MaxColumns, Csv.Parse(widest, "t.csv", 1)[0].Fields.Count);
        Assert.Contains(
            "more than 1000 values", Assert.Throws<BitisException>(() => Csv.Parse(widest + ",", "t.csv", 1)).Message);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("12", 12)]
    [InlineData("3.0", 3)]
    [InlineData(" 7 ", 7)]
    [InlineData("1e2", 100)]
    [InlineData("2.9999999999", 3)]
    [InlineData("99999", 99999)]
    [InlineData("100000", null)]
    [InlineData("-1", null)]
    [InlineData("0.5", null)]
    [InlineData("1e300", null)]
    [InlineData("NaN", null)]
    [InlineData("cat", null)]
    [InlineData("", null)]
    public void A_class_index_is_a_whole_number(string text, int? expected) =>
        Assert.Equal(expected, LabelNumber.Parse(text));

    [Theory]
    [InlineData("-1", true)]
    [InlineData("0.5", true)]
    [InlineData("1e300", true)]
    [InlineData("cat", false)]
    [InlineData("", false)]
    public void Numbers_are_no_names(string text, bool isNumber) => Assert.Equal(isNumber, LabelNumber.IsNumber(text));
}
