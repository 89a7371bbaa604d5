using System.Xml.Linq;

namespace Bitis.Tests;

/// <summary>A summary says in a few words what a thing is; how it works is in the remarks.</summary>
public sealed class SummaryLengthTests
{
    private const int MostWords = 20;

    [Theory]
    [InlineData("Bitis")]
    [InlineData("Bitis.Imaging")]
    [InlineData("Bitis.Gpu")]
    [InlineData("Bitis.Onnx")]
    public void Summaries_are_short(string assembly)
    {
        string path = Path.Combine(AppContext.BaseDirectory, $"{assembly}.xml");
        XElement[] members = [.. XDocument.Load(path, LoadOptions.PreserveWhitespace).Descendants("member")];
        Assert.InRange(members.Length, 50, 100_000);
        Assert.Empty(members
            .Select(member => (Name: member.Attribute("name")!.Value, Words: WordsOf(member.Element("summary"))))
            .Where(member => member.Words > MostWords && !member.Name.Contains(".g.", StringComparison.Ordinal)
                && !member.Name.Contains(":Onnx.", StringComparison.Ordinal)) // generated
            .Select(member => $"{member.Name} has {member.Words} words"));
    }

    [Fact]
    public void Code_is_one_word_and_blocks_of_it_are_none()
    {
        Assert.Equal(4, WordsOf(XElement.Parse(
            "<summary>One <c>two and</c> <see cref=\"X\"/>, four.</summary>", LoadOptions.PreserveWhitespace)));
        Assert.Equal(2, WordsOf(XElement.Parse("<summary>It is <code>a b c</code></summary>")));
        Assert.Equal(0, WordsOf(null));
    }

    private static int WordsOf(XElement? summary)
    {
        if (summary is null)
            return 0;
        var copy = new XElement(summary);
        copy.Descendants("code").Remove();
        foreach (XElement element in copy.Descendants().Where(element => !element.HasElements).ToArray())
            element.ReplaceWith(element.Name.LocalName == "para" ? $" {element.Value} " : "X");
        return copy.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
    }
}
