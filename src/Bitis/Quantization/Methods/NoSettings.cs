namespace Bitis.Quantization.Methods;

/// <summary>The settings of a method that has none.</summary>
public sealed record NoSettings : MethodSettings;
