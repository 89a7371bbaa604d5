namespace Bitis.Checkpoints;

internal static class TorchLegacyReader
{
    public static CheckpointContents Read(MappedFile file, string? weightsKey) => throw file.Error($"{weightsKey}");
}
