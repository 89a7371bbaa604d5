namespace Bitis.Checkpoints.Weights;

/// <summary>What names of places and prefixes tell: which are weights, and which their averages.</summary>
internal static class WeightsNames
{
    /// <summary>What trainers and wrappers call the weights, the more telling first.</summary>
    private static readonly string[] Plain =
    [
        "model", "state_dict", "model_state_dict", "model_state", "module", "_orig_mod", "params", "net", "network",
        "backbone", "encoder", "weights",
    ];

    private static readonly string[] Averages = ["ema", "average", "averaged", "swa", "shadow"];

    /// <summary>Plain ones before averages before all others; then usual ones, then shorter ones.</summary>
    /// <param name="name">Key and prefix, with dots.</param>
    /// <param name="asked">What the user asked for; the name begins so, and only the rest counts.</param>
    public static (int Kind, int Usual, int Length) Rank(string name, string? asked)
    {
        string[] parts = Parts(name, asked);
        int usual = parts.Length == 0 ? -1 : Array.IndexOf(Plain, parts[0]);
        return (Kind(parts), usual < 0 ? Plain.Length : usual, parts.Length);
    }

    /// <summary>Whether a name tells nothing: no weights, no average, nor what the user asked for.</summary>
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
