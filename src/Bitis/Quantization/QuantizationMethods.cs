namespace Bitis.Quantization;

/// <summary>The methods that a recipe can name.</summary>
public static class QuantizationMethods
{
    /// <summary>All methods, from the simplest on.</summary>
    public static IReadOnlyList<QuantizationMethod> All { get; } =
    [
        new("minmax", Granularity.PerTensor, Smooths: false, Learns: false, Rotates: false, ScanMethod.Plain, _ => new MinMaxEstimator()),
        new("percentile", Granularity.PerTensor, Smooths: false, Learns: false, Rotates: false, ScanMethod.Plain, recipe => new PercentileEstimator(recipe.Percentile)),
        new("mse", Granularity.PerTensor, Smooths: false, Learns: false, Rotates: false, ScanMethod.Plain, _ => new MseEstimator()),
        new("smoothquant", Granularity.PerTensor, Smooths: true, Learns: false, Rotates: false, ScanMethod.Plain, _ => new MinMaxEstimator()),
        new("log2", Granularity.PerTensor, Smooths: false, Learns: false, Rotates: false, ScanMethod.Log2, _ => new MseEstimator()),
        new("quamba", Granularity.PerTensor, Smooths: false, Learns: false, Rotates: true, ScanMethod.Quamba, _ => new MinMaxEstimator()),
        new("qmamba", Granularity.PerTensor, Smooths: false, Learns: true, Rotates: false, ScanMethod.QMamba, _ => new MseEstimator()),
        new("qmamba+", Granularity.PerToken, Smooths: true, Learns: true, Rotates: false, ScanMethod.QMambaPlus, _ => new MseEstimator()),
        new("ptq4vm", Granularity.PerToken, Smooths: true, Learns: true, Rotates: false, ScanMethod.Plain, _ => new TruncationEstimator()),
        new("ptq4vm+qmamba", Granularity.PerToken, Smooths: true, Learns: true, Rotates: false, ScanMethod.QMamba, _ => new TruncationEstimator()),
        new("ptq4vm+", Granularity.PerToken, Smooths: true, Learns: true, Rotates: false, ScanMethod.Plain, _ => new MseEstimator()),
    ];

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(method => method.Name)];

    /// <summary>The method with a name.</summary>
    /// <exception cref="BitisException">There is no such method; the message lists them.</exception>
    public static QuantizationMethod Find(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new BitisException($"There is no method '{name}'; the methods are {string.Join(", ", Names)}.");

    /// <summary>The names of the methods with a property, for messages.</summary>
    internal static string Having(Func<QuantizationMethod, bool> property) =>
        string.Join(", ", All.Where(property).Select(method => method.Name));
}
