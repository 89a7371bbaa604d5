namespace Bitis.Checkpoints;

internal static class TorchZipReader
{
    public static CheckpointContents Read(MappedFile file, string? weightsKey) => throw file.Error($"{weightsKey}");
}
