namespace Bitis.Quantization.Estimators;

/// <summary>The values that the levels cover; those outside are clipped.</summary>
/// <param name="Low">The smallest.</param>
/// <param name="High">The largest.</param>
public readonly record struct ValueRange(float Low, float High);
