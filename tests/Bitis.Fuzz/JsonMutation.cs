using System.Globalization;
using System.Text.Json;

namespace Bitis.Fuzz;

/// <summary>
/// Changes valid JSON into what somebody might put there: other types, extreme numbers, nulls, missing, repeated and
/// swapped values.
/// </summary>
internal static class JsonMutation
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "-1", "2", "3", "7", "255", "256", "65536", "2147483647", "-2147483648",
        "2147483648",
        "9223372036854775807", "1e18", "0.5", "-0.0", "1e-320", "1e-45", "1e20", "3e38", "1e308", "1e999", "-1e999",
        "\"\"", "\"3\"", "\"NaN\"",
        "\"Infinity\"", "\"None\"", "\"Middle\"", "\"First\"", "\"First, Middle\"", "\"Layer\"", "\"Rms\"",
        "\"Patches\"", "\"PatchMerging\"",
        "\"PerTensor\"", "\"PerToken\"", "\"PerChannel\"", "\"Linear\"", "\"Ssm\"", "\"Full\"", "\"Uniform\"",
        "\"LongTailed\"", "\"Logarithmic\"",
        "\"Nearest\"", "\"Bilinear\"", "\"w8a8\"", "\"w2a2\"", "\"w32a8\"", "\"w4a32\"", "\"w32a32\"", "\"w9a0\"",
        "\"h,h,h,h\"",
        "\"w2,w3_flip,v,h_flip\"", "\"w64,w64,w64,w64\"", "\"h,v\"", "\"vim\"", "\"vmamba\"", "\"localvim\"",
        "\"localvmamba\"", "\"vit\"", "\"resnet\"",
        "\"minmax\"", "\"quamba\"", "\"qmamba+\"", "\"ptq4vm\"", "\"hlq\"", "\"exact\"", "\"*\"", "\"\\ud800\"",
        "\"\\u0000\\u001b[31m\"",
        "[]", "{}", "[null]", "{\"x\":null}", "[[]]", "[1,2]", "[1,1,1,1,1,1,1,1]", "{\"x\":\"w8a8\"}",
    ];

    /// <summary>A changed copy of a text; of one that is no JSON, another text.</summary>
    public static string Of(string text, Random random)
    {
        JsonTree root;
        try
        {
            root = JsonTree.Parse(text);
        }
        catch (JsonException)
        {
            return random.Next(3) == 0 ? "" : text[..random.Next(text.Length + 1)] + Pick(Values, random);
        }
        for (int round = random.Next(1, 4); round > 0; round--)
            Change(root, random);
        return random.Next(50) == 0 ? root.ToString()[1..] : root.ToString();
    }

    private static void Change(JsonTree root, Random random)
    {
        JsonTree[] all = [.. root.All];
        JsonTree value = Pick(all, random);
        JsonTree[] parents = [.. all.Where(node => node.Members.Count > 0)];
        switch (random.Next(parents.Length == 0 ? 4 : 10))
        {
            case 0 or 1:
                value.Become(JsonTree.Parse(Pick(Values, random)));
                break;
            case 2:
                ChangeNumber(
                    Pick([.. all.Where(node => node.Kind == JsonValueKind.Number).DefaultIfEmpty(value)], random),
                    random);
                break;
            case 3:
                for (int depth = random.Next(4) == 0 ? random.Next(1, 200) : 1; depth > 0; depth--)
                    value.Wrap(random.Next(2) == 0 ? JsonValueKind.Array : JsonValueKind.Object);
                break;
            case 4:
                List<(string Name, JsonTree Value)> members = Pick(parents, random).Members;
                members.RemoveAt(random.Next(members.Count));
                break;
            case 5:
                members = Pick(parents, random).Members;
                (string name, JsonTree member) = members[random.Next(members.Count)];
                members.Insert(
                    random.Next(members.Count + 1),
                    (name, random.Next(2) == 0 ? member.Clone() : JsonTree.Parse(Pick(Values, random))));
                break;
            case 6:
                members = Pick(parents, random).Members;
                members.Insert(
                    random.Next(members.Count + 1),
                    (
                        Pick(["x", "", "family", "layers.0.mixer.scan", "$type", "bits"], random),
                        JsonTree.Parse(Pick(Values, random))));
                break;
            case 7:
                members = Pick(parents, random).Members;
                int at = random.Next(members.Count);
                members[at] = (members[at].Name.ToUpperInvariant() + Pick(["", "x"], random), members[at].Value);
                break;
            default:
                JsonTree other = Pick(all, random);
                JsonTree copy = other.Clone();
                if (!value.All.Contains(other) && !other.All.Contains(value))
                    other.Become(value.Clone());
                value.Become(copy);
                break;
        }
    }

    private static void ChangeNumber(JsonTree value, Random random)
    {
        if (!double.TryParse(value.Raw, CultureInfo.InvariantCulture, out double number))
            return;
        number = random.Next(8) switch
        {
            0 => number + 1,
            1 => number - 1,
            2 => number * 2,
            3 => -number,
            4 => number / 2,
            5 => number * 1024,
            6 => number * 1e30,
            _ => number * 1e-30,
        };
        value.Become(
            JsonTree.Parse(double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture) : "1e999"));
    }

    private static T Pick<T>(T[] values, Random random) => values[random.Next(values.Length)];
}
