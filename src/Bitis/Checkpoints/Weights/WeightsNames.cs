namespace Bitis.Checkpoints.Weights;

/// <summary>Ranks the names of places and prefixes: weights, their averages, others.</summary>
internal static class WeightsNames
{
    /// <summary>The names of weights in trainers and wrappers, the more specific first.</summary>
    private static readonly string[] Plain =
    [
        "model", "state_dict", "model_state_dict", "model_state", "module", "_orig_mod", "params", "net", "network",
        "backbone", "encoder", "weights",
    ];

    private static readonly string[] Averages = ["ema", "average", "averaged", "swa", "shadow"];

    /// <summary>
    /// The rank of a name: weights before averages before others, then usual names, then shorter ones.
    /// </summary>
    /// <param name="name">Key and prefix, joined by dots.</param>
    /// <param name="asked">
    /// The key that the user asked for, with which the name begins; only the rest is ranked.
    /// </param>
    public static (int Kind, int Usual, int Length) Rank(string name, string? asked)
    {
        string[] parts = Parts(name, asked);
        int usual = parts.Length == 0 ? -1 : Array.IndexOf(Plain, parts[0]);
        return (Kind(parts), usual < 0 ? Plain.Length : usual, parts.Length);
    }

    /// <summary>Whether a name is neither that of weights or an average, nor what the user asked for.</summary>
    public static bool IsForeign(string name, string? asked) => Kind(Parts(name, asked)) > 1;

    private static string[] Parts(string name, string? asked) =>
        name[(asked?.Length ?? 0)..].Split('.', StringSplitOptions.RemoveEmptyEntries);

    private static int Kind(string[] parts)
    {
        int kind = 0;
        foreach (string part in parts)
            kind = Math.Max(kind, Plain.Contains(part) ? 0 : part.Split('_').Any(Averages.Contains) ? 1 : 2);
        return kind;
    }
}
