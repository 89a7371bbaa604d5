using System.Globalization;
using System.Text;

namespace Bitis.Onnx.Writing;

/// <summary>Gives names that are unique in a model, and that every runtime can read.</summary>
internal sealed class NameScope
{
    private readonly HashSet<string> _taken = [];
    private readonly Dictionary<string, int> _counts = [];

    /// <summary>The wanted name if it is free, else the same with a number behind it.</summary>
    public string Take(string wanted)
    {
        string name = Clean(wanted);
        if (_taken.Add(name))
            return name;
        int count = _counts.GetValueOrDefault(name, 1);
        string numbered;
        do
            numbered = $"{name}_{++count}";
        while (!_taken.Add(numbered));
        _counts[name] = count;
        return numbered;
    }

    /// <summary>A name without what some runtimes cut or refuse.</summary>
    /// <remarks>
    /// An empty name means "no value" in ONNX. C interfaces end at a NUL. Half a surrogate pair has no UTF-8.
    /// </remarks>
    internal static string Clean(string name)
    {
        if (name.Length == 0)
            return "_";
        var text = new StringBuilder(name.Length);
        for (int i = 0; i < name.Length; i++)
        {
            bool isPair = i + 1 < name.Length && char.IsSurrogatePair(name[i], name[i + 1]);
            if (isPair)
                text.Append(name[i++]).Append(name[i]);
            else if (char.IsControl(name[i]) || char.IsSurrogate(name[i]))
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)name[i]:x4}");
            else
                text.Append(name[i]);
        }
        return text.ToString();
    }
}
