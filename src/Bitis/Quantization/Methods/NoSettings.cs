namespace Bitis.Quantization.Methods;

/// <summary>The settings of a method that has none.</summary>
internal sealed record NoSettings : MethodSettings;
