namespace Bitis.Models;

/// <summary>Short descriptions of many names.</summary>
internal static class NameList
{
    private const int Most = 6;

    /// <summary>How many tensors there are, and what their names begin with: <c>9 tensors: head.* (8), n</c>.</summary>
    public static string Group(IReadOnlyCollection<string> names)
    {
        IEnumerable<string> groups =
            from name in names
            group name by name.Split('.')[0] into part
            select part.Count() == 1 ? DisplayText.Of(part.First()) : $"{DisplayText.Of(part.Key)}.* ({part.Count()})";
        return $"{DisplayText.Count(names.Count, "tensor")}: {Shorten(groups)}";
    }

    /// <summary>The first of some texts, and how many more there are.</summary>
    public static string Shorten(IEnumerable<string> texts)
    {
        string[] all = [.. texts];
        string shown = string.Join(", ", all.Take(Most));
        return all.Length <= Most ? shown : $"{shown}, and {all.Length - Most} more";
    }
}
