namespace Bitis.Quantization;

/// <summary>What distinguishes a method from the others.</summary>
/// <param name="Name">As recipes and the command line write it.</param>
/// <param name="Granularity">Which values of an activation share a scale, unless a recipe says otherwise.</param>
/// <param name="Smooths">Whether it moves range from activations to weights, channel by channel.</param>
/// <param name="Learns">Whether it learns scales block by block.</param>
/// <param name="Rotates">Whether what scans compute passes through a Hadamard transform before the layer that reads it quantizes it.</param>
/// <param name="Scan">How it quantizes what is inside of a scan, in scope <see cref="Scope.Ssm"/>.</param>
/// <param name="CreateEstimator">What decides the ranges that scales start with.</param>
public sealed record QuantizationMethod(
    string Name,
    Granularity Granularity,
    bool Smooths,
    bool Learns,
    bool Rotates,
    ScanMethod Scan,
    Func<Recipe, IRangeEstimator> CreateEstimator);
